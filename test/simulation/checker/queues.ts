/** What a history says about its queues: settings that may have been in force, and where messages may have moved. */
import type { QueueSettings } from '../../../contract/contract.ts';
import { delaySecondsDefault, retentionSecondsDefault, visibilityTimeoutSecondsDefault } from '../../../contract/limits.ts';
import type { Call } from '../run/history.ts';
import { type CallOf, callsOf, endOf, mayBeDone, outcomeOf } from './outcomes.ts';
import { expiryOf, queueOf } from './subscriptions.ts';

/** Repeated here, because the checker must not rely on the engine. */
export const settingsDefault: QueueSettings = {
  visibilityTimeoutSeconds: visibilityTimeoutSecondsDefault,
  delaySeconds: delaySecondsDefault,
  retentionSeconds: retentionSecondsDefault,
  deadLetter: null,
  backoff: { minSeconds: 1, maxSeconds: 900, factor: 2, jitter: 0.5 },
  priority: null,
  groups: null,
  limits: null,
  deduplication: null,
  prepared: null,
  keep: null,
  idempotency: 'acked',
  sqs: null,
  paused: false,
};

export interface Queues {
  /** All settings that may have been in force at some time. A check allows for any of them. Empty if the queue is unknown. */
  settings(queue: string): readonly QueueSettings[];
  /** Redrives out of a queue that may have begun by then. They also move messages that are not visible yet. */
  redrives(queue: string, by: number): readonly CallOf<'redrive'>[];
  purges(queue: string): readonly CallOf<'purge'>[];
  /** Whether it may have been deleted, in the given time if one is given. */
  isDeleted(queue: string, time?: { since: number; by: number }): boolean;
  /** Whether a publish under a key may change the message that holds the key. */
  mayReplace(queue: string): boolean;
  /** The queues to which dead-lettering and redrives may move a message of this queue. */
  reachable(queue: string): ReadonlySet<string>;
}

export function queuesOf(calls: readonly Call[]): Queues {
  const settings = new Map<string, QueueSettings[]>();
  const topicSettings = new Map(callsOf(calls, 'createTopic').map(({ params, input }) => [params.topic, input.queueSettings]));
  const owners = callsOf(calls, 'subscribe').filter((call) => mayBeDone(call) && call.input.queue === undefined);
  for (const call of owners) {
    const given = { ...topicSettings.get(call.params.topic), ...call.input.settings } as Partial<QueueSettings>;
    const queue = queueOf(call);
    settings.set(queue, [...(settings.get(queue) ?? []), { ...settingsDefault, ...given }]);
  }
  for (const call of calls) {
    if ((call.operation !== 'createQueue' && call.operation !== 'updateQueue') || !mayBeDone(call)) continue;
    const known = settings.get(call.params.queue) ?? [];
    const outcome = outcomeOf<'createQueue'>(call);
    // Histories always give nested settings completely.
    const given = call.input as Partial<QueueSettings>;
    if (outcome !== 'uncertain' && 'done' in outcome) known.push(outcome.done);
    else if (call.operation === 'createQueue') known.push({ ...settingsDefault, ...given });
    else known.push(...known.map((before) => ({ ...before, ...given })));
    settings.set(call.params.queue, known);
  }
  const redrives = callsOf(calls, 'redrive').filter(mayBeDone);
  const purges = callsOf(calls, 'purge').filter(mayBeDone);
  const deletions = deletionsOf(calls, owners);
  const of = (queue: string) => settings.get(queue) ?? [];
  const reached = new Map<string, Set<string>>();

  function nextOf(queue: string): string[] {
    const deaths = of(queue).flatMap(({ deadLetter }) => (deadLetter ? [deadLetter.queue] : []));
    const sources = [...settings.keys()].filter((one) => of(one).some(({ deadLetter }) => deadLetter?.queue === queue));
    const moves = redrives
      .filter((call) => call.params.queue === queue)
      .flatMap(({ input }) => (input.toQueue === undefined ? sources : [input.toQueue]));
    return [...deaths, ...moves];
  }

  return {
    settings: of,
    redrives: (queue, by) => redrives.filter((call) => call.params.queue === queue && call.startedAt <= by),
    purges: (queue) => purges.filter((call) => call.params.queue === queue),
    isDeleted: (queue, { since, by } = { since: 0, by: Number.POSITIVE_INFINITY }) =>
      deletions.get(queue)?.some(({ from, to }) => to >= since && from <= by) ?? false,
    mayReplace: (queue) => of(queue).some(({ deduplication }) => deduplication && deduplication.onDuplicate !== 'ignore'),
    reachable(queue) {
      const known = reached.get(queue);
      if (known) return known;
      const all = new Set([queue]);
      for (const one of all) for (const next of nextOf(one)) all.add(next);
      reached.set(queue, all);
      return all;
    },
  };
}

/** When a queue may have been deleted: by a call, or with the subscription that owns it. */
function deletionsOf(
  calls: readonly Call[],
  owners: readonly CallOf<'subscribe'>[],
): ReadonlyMap<string, { from: number; to: number }[]> {
  const deletions = new Map<string, { from: number; to: number }[]>();
  const add = (queue: string, from: number, to: number) => {
    deletions.set(queue, [...(deletions.get(queue) ?? []), { from, to }]);
  };
  // For some time after the answer, other processes still publish to the queue that was deleted.
  for (const call of callsOf(calls, 'deleteQueue').filter(mayBeDone))
    add(call.params.queue, call.startedAt, Number.POSITIVE_INFINITY);
  const ends = [...callsOf(calls, 'unsubscribe'), ...callsOf(calls, 'deleteTopic')].filter(mayBeDone);
  for (const [queue, ofQueue] of Map.groupBy(owners, queueOf)) {
    const { topic, subscription } = ofQueue[0]!.params;
    for (const end of ends) {
      const isOfQueue = end.operation === 'deleteTopic' || end.params.subscription === subscription;
      if (end.params.topic === topic && isOfQueue) add(queue, end.startedAt, endOf(end));
    }
    const expiry = Math.min(...ofQueue.map(expiryOf));
    if (Number.isFinite(expiry)) add(queue, expiry, Number.POSITIVE_INFINITY);
  }
  return deletions;
}
