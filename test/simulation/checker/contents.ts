/** Promises about bodies and ids: only published messages are delivered, unchanged, and each id belongs to one message. */

import type { Idempotency } from '../../../contract/contract.ts';
import { tombstoneMs } from '../../../contract/limits.ts';
import type { Call, Violation } from '../run/history.ts';
import { cancelsOf, mayBePutOff, mayCarry } from './by-id.ts';
import { contentKey } from './content.ts';
import { idBefore } from './ids.ts';
import type { Ledger, Life } from './ledger.ts';
import { callsOf, endOf, outcomeOf } from './outcomes.ts';
import { isOfTopic } from './topic-publishes.ts';
import { readyAt } from './waits.ts';

export function* judgeContents(ledger: Ledger): Generator<Violation> {
  for (const { message, call } of ledger.strangers) {
    if (isOfTopic(message)) continue;
    const text = `message ${message.id} was delivered, and no publish can have made it`;
    yield { promise: 'only-published-is-delivered', text, calls: [call] };
  }
  for (const life of ledger.lives) yield* judgeDeliveries(ledger, life);
  yield* judgeIds(ledger);
  yield* judgeOwnIds(ledger);
}

function* judgeDeliveries(ledger: Ledger, life: Life): Generator<Violation> {
  const { clockErrorMs, queues } = ledger;
  const { startedAt } = life.published;
  const endedAt = endOf(life.published);
  for (const { queue, message, call } of life.deliveries) {
    const calls = [life.published, call];
    if (!mayCarry(ledger, life, contentKey(message), { startedAt: call.startedAt, endedAt: endOf(call) })) {
      yield {
        promise: 'body-intact',
        text: `message ${message.id} was delivered with another content than it was published with`,
        calls,
      };
    }
    if (isPriorityFixed(ledger, life) && !prioritiesOf(ledger, life).includes(message.priority ?? 0)) {
      const text = `message ${message.id} was delivered with priority ${message.priority}, and published with ${life.entry.priority}`;
      yield { promise: 'body-intact', text, calls };
    }
    const at = Date.parse(message.publishedAt);
    if (life.accepted && !(at >= startedAt - clockErrorMs && at <= endedAt + clockErrorMs)) {
      yield { promise: 'body-intact', text: `message ${message.id} says that it was published at ${message.publishedAt}`, calls };
    }
    if (!queues.reachable(life.queue).has(queue)) {
      const text = `message ${message.id} of the queue ${life.queue} was delivered in ${queue}, where nothing moves it`;
      yield { promise: 'only-published-is-delivered', text, calls };
    }
  }
}

/** Whether it must have the priority that it was published with: no update changed it, and no publish under its key replaced it. */
function isPriorityFixed({ changes }: Ledger, { id, entry }: Life): boolean {
  const isChanged = changes.get(id!)?.some(({ input }) => input.priority !== undefined) ?? false;
  return entry.dedupKey === undefined && !isChanged;
}

/** A copy of a topic's message has at most the highest priority of its queue. */
function prioritiesOf({ queues }: Ledger, { queue, entry }: Life): number[] {
  const { priority: given = 0 } = entry;
  const lowered = isOfTopic(entry)
    ? queues.settings(queue).map(({ priority }) => Math.min(given, (priority?.levels ?? 1) - 1))
    : [];
  return [given, ...lowered];
}

/** The queue makes no id twice, and makes none for a message that has its own id. */
function* judgeIds({ calls }: Ledger): Generator<Violation> {
  const given = new Map<string, Call>();
  for (const call of callsOf(calls, 'publish')) {
    const outcome = outcomeOf<'publish'>(call);
    if (outcome === 'uncertain' || 'refused' in outcome) continue;
    for (const [index, entry] of call.input.messages.entries()) {
      const result = outcome.done.results[index];
      // The ids of copies are not answered.
      if (!result?.ok || (result.id as string | undefined) === undefined) continue;
      // A duplicate under a key of a group is answered the id of the first message.
      if (result.duplicate && entry.dedupKey !== undefined) continue;
      const own = idBefore(entry);
      if (own !== undefined) {
        if (own === result.id) continue;
        yield { promise: 'own-id-once', text: `a message published as ${own} was given the id ${result.id}`, calls: [call] };
      } else if (given.has(result.id)) {
        yield {
          promise: 'no-duplicate-ids',
          text: `two messages were given the id ${result.id}`,
          calls: [given.get(result.id)!, call],
        };
      }
      given.set(result.id, call);
    }
  }
}

/** While an own id is taken, no second message is stored under it. While it is free, no publish is answered as a duplicate. */
function* judgeOwnIds(ledger: Ledger): Generator<Violation> {
  const stored = Map.groupBy(
    ledger.lives.filter(({ accepted, entry }) => accepted && entry.id !== undefined),
    ({ queue, id }) => `${queue} ${id}`,
  );
  for (const lives of stored.values()) {
    for (const [index, first] of lives.entries()) {
      for (const second of lives.slice(index + 1)) {
        const by = Math.max(endOf(first.published), endOf(second.published));
        if (mayHaveEnded(ledger, first, by) || mayHaveEnded(ledger, second, by)) continue;
        const text = `message ${first.id} was stored twice under one own id`;
        yield { promise: 'own-id-once', text, calls: [first.published, second.published] };
      }
    }
  }
  for (const { id, queue, entry, call } of ledger.duplicates) {
    if (entry.dedupKey !== undefined) continue;
    const isThere = ledger.byId
      .get(id)
      ?.some((life) => ledger.queues.reachable(life.queue).has(queue) && life.published.startedAt <= endOf(call));
    const cancel = isThere ? freedBy(ledger, id, queue, call) : undefined;
    if (isThere && !cancel) continue;
    const text = `message ${id} was answered as a duplicate, and ${cancel ? 'the previous one was cancelled' : 'there can have been no other'}`;
    yield { promise: 'accepted-is-never-lost', text, calls: cancel ? [cancel, call] : [call] };
  }
}

/** The cancel that certainly freed the id before the publish, with no other publish since. */
function freedBy(ledger: Ledger, id: string, queue: string, publish: Call): Call | undefined {
  const settings = ledger.queues.settings(queue);
  const lives = ledger.byId.get(id) ?? [];
  if (settings.length === 0 || settings.some(({ idempotency }) => idempotency === 'ended')) return undefined;
  if (lives.some((life) => life.queue !== queue)) return undefined;
  return ledger.cancels.get(id)?.find((cancel) => {
    const isBefore = 'output' in cancel.answer && cancel.params.queue === queue && endOf(cancel) < publish.startedAt;
    return isBefore && lives.every(({ published }) => endOf(published) < cancel.startedAt);
  });
}

/** Whether the id of this message may have been free by then. */
function mayHaveEnded(ledger: Ledger, life: Life, by: number): boolean {
  const { clockErrorMs, queues } = ledger;
  const { queue, published, entry } = life;
  const settings = queues.settings(queue);
  const heldMs = (...by: Idempotency[]) => (settings.some(({ idempotency }) => !by.includes(idempotency)) ? 0 : tombstoneMs);
  // A rollback frees the id as a cancel does.
  if (entry.prepared && published.startedAt + heldMs('ended') <= by + 2 * clockErrorMs) return true;
  if (cancelsOf(ledger, life).some(({ startedAt }) => startedAt + heldMs('ended') <= by + 2 * clockErrorMs)) return true;
  if (queues.isDeleted(queue) || queues.redrives(queue, by).length > 0) return true;
  if (queues.purges(queue).some((purge) => purge.startedAt <= by)) return true;
  if (settings.length === 0 || settings.some(({ deadLetter }) => deadLetter)) return true;
  const enteredAt = published.startedAt - clockErrorMs;
  const from = mayBePutOff(ledger, life) ? enteredAt : readyAt(ledger, queue, entry, enteredAt, 'least');
  if (settings.some(({ retentionSeconds }) => retentionSeconds !== null && from + retentionSeconds * 1000 <= by + clockErrorMs)) {
    return true;
  }
  const acks = life.deliveries.flatMap(({ acts }) => acts.filter(({ operation }) => operation === 'ack'));
  return acks.some(({ call }) => call.startedAt + heldMs('acked', 'ended') - clockErrorMs <= by + clockErrorMs);
}
