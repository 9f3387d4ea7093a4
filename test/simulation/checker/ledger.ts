/**
 * A history as the lives of its messages: who published each, who had it when, and what was done with each receipt.
 *
 * A message whose publish was accepted is known by its id. One whose publish was not answered has an id that nobody was told, and is
 * known by its content when it is first seen: bodies that are told apart make judgements sharper.
 */
import type { AckResult, ExtendResult, PublishEntry, ReceivedMessage, ReleaseResult } from '../../../sdk/contract.ts';
import { clockMarginMs, tombstoneMs } from '../../../sdk/limits.ts';
import type { Asked, Call, History, Transaction } from '../history.ts';
import { contentKey } from './content.ts';
import { idAtFirst, idBefore } from './ids.ts';
import { type CallOf, callsOf, endOf, mayBeDone, type Outcome, outcomeOf, outcomeOfEntry } from './outcomes.ts';
import { type Queues, queuesOf } from './queues.ts';
import { type Schedules, schedulesOf } from './schedules.ts';
import { publishOf } from './tick-publishes.ts';
import { callsOfTransactions } from './transaction-calls.ts';

export interface Life {
  id: string | undefined;
  queue: string;
  entry: PublishEntry;
  published: CallOf<'publish'>;
  accepted: boolean;
  /** Answered as a duplicate: it may be the first itself, where its request had been applied once before and the answer was lost. */
  duplicate?: true;
  /** What it said of its publish when it was delivered first: of two under one key it tells which it is. */
  saidAt?: string;
  /** In the order in which their calls began. */
  deliveries: Delivery[];
}

/** One message in the answer of one receive. */
export interface Delivery {
  life: Life;
  queue: string;
  message: ReceivedMessage;
  call: CallOf<'receive'>;
  startedAt: number;
  endedAt: number;
  /** What was done with its receipt, in the order in which the calls began. */
  acts: Act[];
}

export type Act =
  | { operation: 'ack'; call: CallOf<'ack'>; outcome: Outcome<Extract<AckResult, { ok: true }>> }
  | { operation: 'release'; call: CallOf<'release'>; outcome: Outcome<Extract<ReleaseResult, { ok: true }>> }
  | { operation: 'extend'; call: CallOf<'extend'>; outcome: Outcome<Extract<ExtendResult, { ok: true }>> };

/** A publish under a key that may have taken effect. */
export interface KeyedPublish {
  queue: string;
  entry: PublishEntry;
  call: CallOf<'publish'>;
  told: 'accepted' | 'duplicate' | 'nothing';
}

/** An accepted publish under the caller's own id, or a key, that was told to be there already. */
export interface Duplicate {
  id: string;
  queue: string;
  entry: PublishEntry;
  call: CallOf<'publish'>;
}

export interface Ledger {
  calls: readonly Call[];
  queues: Queues;
  lives: readonly Life[];
  byId: ReadonlyMap<string, readonly Life[]>;
  duplicates: readonly Duplicate[];
  /** By the id of the key. */
  keyed: ReadonlyMap<string, readonly KeyedPublish[]>;
  /** Calls that may have cancelled or changed a message, by its id. */
  cancels: ReadonlyMap<string, readonly CallOf<'cancelMessage'>[]>;
  changes: ReadonlyMap<string, readonly CallOf<'updateMessage'>[]>;
  /** Calls that may have decided a prepared message, and what its publisher answered, by its id. */
  commits: ReadonlyMap<string, readonly CallOf<'commitMessage'>[]>;
  rollbacks: ReadonlyMap<string, readonly CallOf<'rollbackMessage'>[]>;
  asked: ReadonlyMap<string, readonly Asked[]>;
  schedules: Schedules;
  /** Messages that were delivered, and that nobody published. */
  strangers: readonly { message: ReceivedMessage; call: CallOf<'receive'> }[];
  /** Receipts that two receives were given. */
  sameReceipt: readonly [Delivery, Delivery][];
  transactions: readonly Transaction[];
  clockErrorMs: number;
  drainedAt: number | undefined;
  sweptAt: number | undefined;
}

export function ledgerOf({ calls: made, asked = [], transactions = [], circumstances }: History): Ledger {
  const calls = [...made, ...callsOfTransactions(transactions)].sort((a, b) => a.startedAt - b.startedAt);
  const queues = queuesOf(calls);
  const lives: Life[] = [];
  const keyed = new Map<string, KeyedPublish[]>();
  const duplicates: Duplicate[] = [];
  const byId = new Map<string, Life[]>();
  const unnamed = new Map<string, Life[]>();
  const strangers: { message: ReceivedMessage; call: CallOf<'receive'> }[] = [];
  const sameReceipt: [Delivery, Delivery][] = [];
  const byReceipt = new Map<string, Delivery>();

  const addLife = (life: Life): Life => {
    lives.push(life);
    return life;
  };

  const tickLife = (published: CallOf<'publish'> | undefined, id: string): Life | undefined => {
    if (!published) return undefined;
    const [entry] = published.input.messages;
    const life = addLife({ id, queue: published.params.queue, entry: entry!, published, accepted: false, deliveries: [] });
    push(byId, id, life);
    return life;
  };

  for (const call of calls) {
    if (call.operation !== 'publish') continue;
    const whole = outcomeOf<'publish'>(call);
    call.input.messages.forEach((entry, index) => {
      const outcome = outcomeOfEntry(whole, index);
      if (outcome !== 'uncertain' && 'refused' in outcome) return;
      const accepted = outcome === 'uncertain' ? undefined : outcome.done;
      const id = accepted?.id ?? idBefore(entry);
      const { queue } = call.params;
      if (entry.dedupKey !== undefined) {
        const told = accepted?.duplicate ? 'duplicate' : accepted ? 'accepted' : 'nothing';
        push(keyed, id!, { queue, entry, call, told });
      }
      if (accepted?.duplicate) {
        duplicates.push({ id: accepted.id, queue, entry, call });
        // Under a key the queue knows its own first try again.
        if (entry.dedupKey === undefined && endOf(call) - call.startedAt >= (circumstances.retryMsMin ?? 0)) {
          push(
            byId,
            accepted.id,
            addLife({ id, queue, entry, published: call, accepted: false, duplicate: true, deliveries: [] }),
          );
        }
        return;
      }
      const life = addLife({ id, queue, entry, published: call, accepted: accepted !== undefined, deliveries: [] });
      if (id === undefined) push(unnamed, contentKey(entry), life);
      else push(byId, id, life);
    });
  }

  acceptByDuplicate(duplicates, byId);
  const { clockErrorMs, drainedAt, sweptAt, retryMsMin = 0 } = circumstances;
  const schedules = schedulesOf(calls, retryMsMin);
  const cancels = Map.groupBy(
    callsOf(calls, 'cancelMessage').filter((call) => {
      // A group remembers few of those that were cancelled.
      const isOfGroup = byId.get(call.params.id)?.some(({ entry }) => entry.group !== undefined);
      return mayBeDone(call) || isSecondTry(call, isOfGroup ? retryMsMin : traceMs);
    }),
    ({ params }) => params.id,
  );
  const changes = Map.groupBy(
    callsOf(calls, 'updateMessage').filter((call) => mayBeDone(call) || isSecondTry(call, retryMsMin)),
    ({ params }) => params.id,
  );
  const ofMessage = <One extends CallOf<'commitMessage' | 'rollbackMessage'>>(ofAll: readonly One[]) =>
    Map.groupBy(
      ofAll.filter((call) => mayBeDone(call) || isSecondTry(call, retryMsMin)),
      ({ params }) => params.id,
    );
  for (const call of calls) {
    if (call.operation !== 'receive' || !('output' in call.answer)) continue;
    for (const message of call.answer.output.messages) {
      const endedAt = endOf(call);
      const life =
        lifeOf(message, call, { byId, unnamed, changes, queues, clockErrorMs }) ??
        tickLife(publishOf(message, call, { schedules, queues, clockErrorMs }), message.id);
      if (!life) {
        strangers.push({ message, call });
        continue;
      }
      if (life.entry.dedupKey !== undefined) life.saidAt ??= message.publishedAt;
      const delivery: Delivery = { life, queue: call.params.queue, message, call, startedAt: call.startedAt, endedAt, acts: [] };
      life.deliveries.push(delivery);
      const before = byReceipt.get(message.receipt);
      if (before) sameReceipt.push([before, delivery]);
      else byReceipt.set(message.receipt, delivery);
    }
  }

  for (const call of calls) noteActs(call, byReceipt, circumstances.retryMsMin ?? 0);
  return {
    calls,
    queues,
    lives,
    byId,
    duplicates,
    keyed,
    cancels,
    changes,
    commits: ofMessage(callsOf(calls, 'commitMessage')),
    rollbacks: ofMessage(callsOf(calls, 'rollbackMessage')),
    asked: Map.groupBy(asked, ({ id }) => id),
    schedules,
    strangers,
    sameReceipt,
    transactions,
    clockErrorMs,
    drainedAt,
    sweptAt,
  };
}

/** A publish that was not answered was stored after all where the next under its id is told so, and no other can have been meant. */
function acceptByDuplicate(duplicates: readonly Duplicate[], byId: ReadonlyMap<string, readonly Life[]>): void {
  for (const { id, queue, call } of duplicates) {
    const lives = (byId.get(id) ?? []).filter((life) => life.queue === queue && life.published.startedAt <= endOf(call));
    if (lives.length === 1 && !lives[0]!.duplicate) lives[0]!.accepted = true;
  }
}

/** Whose message it is: of several under one own id, and of one content, the one that was published when the message says. */
function lifeOf(
  message: ReceivedMessage,
  receive: CallOf<'receive'>,
  {
    byId,
    unnamed,
    changes,
    queues,
    clockErrorMs,
  }: Pick<Ledger, 'changes' | 'queues' | 'clockErrorMs'> & Record<'byId' | 'unnamed', Map<string, Life[]>>,
): Life | undefined {
  const key = contentKey(message);
  const by = endOf(receive);
  const id = idAtFirst(message.id);
  const ofId = byId.get(id)?.filter(({ published }) => published.startedAt <= by) ?? [];
  // Two queues may have messages of one key, or of one own id.
  const near = ofId.filter(({ queue }) => queues.reachable(queue).has(receive.params.queue));
  const all = near.length > 0 ? near : ofId;
  const same = all.find(({ saidAt }) => saidAt === message.publishedAt);
  if (same) return same;
  const known = all.filter(({ saidAt }) => saidAt === undefined);
  if (known.length > 0) {
    // One that may have been edited may carry anything.
    const mayDiffer = ({ queue, entry }: Life) => entry.dedupKey !== undefined && queues.mayReplace(queue);
    const alike = changes.has(id) ? known : known.filter((life) => mayDiffer(life) || contentKey(life.entry) === key);
    const at = Date.parse(message.publishedAt);
    const fitting = alike.filter(
      ({ published }) => at >= published.startedAt - clockErrorMs && at <= endOf(published) + clockErrorMs,
    );
    // One that took long to be published may have been published at any time of that: who was quick is told first.
    fitting.sort((one, other) => endOf(one.published) - endOf(other.published));
    const exact = fitting.filter(({ entry }) => contentKey(entry) === key);
    return (
      exact.findLast(({ accepted }) => accepted) ??
      fitting.find(({ accepted }) => accepted) ??
      exact.at(-1) ??
      fitting.at(-1) ??
      alike.at(-1) ??
      known.at(-1)
    );
  }
  const candidates = unnamed.get(key) ?? [];
  const index = candidates.findIndex(({ published }) => published.startedAt <= by);
  const [life] = index < 0 ? [] : candidates.splice(index, 1);
  if (!life) return undefined;
  life.id = message.id;
  push(byId, message.id, life);
  return life;
}

function noteActs(call: Call, byReceipt: ReadonlyMap<string, Delivery>, retryMsMin: number): void {
  if (call.operation !== 'ack' && call.operation !== 'release' && call.operation !== 'extend') return;
  const whole = outcomeOf(call) as Outcome<{ results: never[] }>;
  call.input.receipts.forEach((receipt, index) => {
    const { operation } = call;
    const told = outcomeOfEntry(whole, index);
    // What ended the lease may have been this very call, tried again after an answer was lost. An ack leaves a trace that tells, for an hour.
    const isRepeated = isLeaseLost(told) && endOf(call) - call.startedAt >= (operation === 'ack' ? traceMs : retryMsMin);
    byReceipt.get(receipt)?.acts.push({ operation, call, outcome: isRepeated ? 'uncertain' : told } as Act);
  });
}

/** Whether it may have been applied at first, and then have found the message gone, or in other hands. A cancel leaves a trace, for an hour. */
function isSecondTry(call: Call, leastMs: number): boolean {
  return 'refused' in call.answer && call.answer.refused.startsWith('message_') && endOf(call) - call.startedAt >= leastMs;
}

const isLeaseLost = (outcome: Outcome<unknown>) =>
  outcome !== 'uncertain' && 'refused' in outcome && outcome.refused === 'lease_lost';

/** How long a caller whose clock is off finds the trace of its ack, at least. */
const traceMs = tombstoneMs - 2 * clockMarginMs;

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
