/** Promises about leases: any two deliveries of one message must be possible in one order or the other. */
import type { Violation } from '../run/history.ts';
import { cancelsOf, releasesOf } from './by-id.ts';
import type { Act, Delivery, Ledger } from './ledger.ts';
import { endOf } from './outcomes.ts';
import type { PromiseName } from './promises.ts';
import { earliestVisible, isDone, leaseEnd } from './visibility.ts';

type Fault = { promise: PromiseName; text: string; calls: Violation['calls'] };

export function* judgeLeases(ledger: Ledger): Generator<Violation> {
  for (const [first, second] of ledger.sameReceipt) {
    const text = `two receives were given the same receipt for message ${first.message.id}`;
    yield { promise: 'one-live-lease', text, calls: [first.call, second.call] };
  }
  for (const life of ledger.lives) {
    for (const [index, first] of life.deliveries.entries()) {
      for (const second of life.deliveries.slice(index + 1)) {
        const fault = faultOfPair(ledger, first, second);
        if (fault) yield fault;
      }
      yield* judgeReleased(first);
      yield* judgeWait(ledger, first);
      yield* judgeRefusals(ledger, first);
    }
  }
}

function faultOfPair(ledger: Ledger, one: Delivery, other: Delivery): Fault | undefined {
  if (one.call === other.call) {
    const text = `one receive delivered message ${one.message.id} twice`;
    return { promise: 'one-live-lease', text, calls: [one.call] };
  }
  const fault = faultOf(ledger, one, other);
  if (!fault) return undefined;
  const isOrdered = one.endedAt < other.startedAt;
  return isOrdered || faultOf(ledger, other, one) ? fault : undefined;
}

/** What would be wrong if `second` took the message after `first`. */
function faultOf(ledger: Ledger, first: Delivery, second: Delivery): Fault | undefined {
  const id = first.message.id;
  const fault = (promise: PromiseName, text: string, acts: readonly Act[] = []): Fault => ({
    // Two deliveries at once can be two copies that a redrive made.
    promise: isRedriven(ledger, first, second) ? 'redrive-moves-each-once' : promise,
    text,
    calls: [first.call, ...acts.map(({ call }) => call), second.call],
  });
  if (first.startedAt > second.endedAt) return fault('one-live-lease', `message ${id} was delivered before its first delivery`);

  const acked = first.acts.find((act) => act.operation === 'ack' && isDone(act));
  if (acked) {
    if (acked.call.startedAt <= second.endedAt) {
      return fault('acked-never-comes-back', `message ${id} was acked, and delivered again`, [acked]);
    }
    return fault('late-holder-is-refused', `an ack of message ${id} was answered ok after another had received it`, [acked]);
  }
  const late = first.acts.find((act) => isDone(act) && act.call.startedAt > second.endedAt);
  if (late) {
    const text = `${late.operation} of message ${id} was answered ok after another had received it`;
    return fault('late-holder-is-refused', text, [late]);
  }

  const visible = earliestVisible(ledger, first, second.endedAt);
  const early = visible.at - ledger.clockErrorMs - second.endedAt;
  if (early <= 0) return undefined;
  const isLeased =
    visible.by === 'lease' ||
    (visible.by === 'backoff' && leaseEnd(ledger, first, second.endedAt) - ledger.clockErrorMs > second.endedAt);
  return isLeased
    ? fault('one-live-lease', `message ${id} was delivered ${early} ms before the lease on it ended`, visible.acts)
    : fault('never-before-visible', `message ${id} was delivered ${early} ms before its ${visible.by} ended`, visible.acts);
}

const isRedriven = (ledger: Ledger, first: Delivery, second: Delivery) =>
  first.queue !== second.queue &&
  [first, second].some(({ queue }) => ledger.queues.redrives(queue, Math.max(first.endedAt, second.endedAt)).length > 0);

/** After a release, the receipt is no longer valid. */
function* judgeReleased({ message, acts }: Delivery): Generator<Violation> {
  const released = acts.find((act) => act.operation === 'release' && isDone(act));
  const late = released && acts.find((act) => isDone(act) && act.call.startedAt > endOf(released.call));
  if (!late) return;
  const text = `${late.operation} of message ${message.id} was answered ok after its release`;
  yield { promise: 'late-holder-is-refused', text, calls: [released.call, late.call] };
}

/** A release answers with the delay that it asked for. Without one, a failed message waits for its backoff and others do not wait. */
function* judgeWait(ledger: Ledger, { queue, message, acts }: Delivery): Generator<Violation> {
  const { clockErrorMs, queues } = ledger;
  for (const act of acts) {
    if (act.operation !== 'release' || act.outcome === 'uncertain' || !('done' in act.outcome)) continue;
    const { call, outcome } = act;
    if (!('visibleAt' in outcome.done)) continue;
    const { delaySeconds, failed, deadLetter } = call.input;
    if (deadLetter && hasDeadLetterQueue(ledger, queue)) {
      const text = `message ${message.id} was rejected, and stays in ${queue}`;
      yield { promise: 'dead-lettered-at-exactly-max-receives', text, calls: [call] };
    }
    const longest = Math.max(0, ...queues.settings(queue).map(({ backoff }) => backoff?.maxSeconds ?? 0));
    const [least, most] =
      delaySeconds === undefined ? [0, failed === undefined && !deadLetter ? 0 : longest] : [delaySeconds, delaySeconds];
    const at = Date.parse(outcome.done.visibleAt);
    const isLate = queues.settings(queue).length > 0 && at > endOf(call) + clockErrorMs + most * 1000;
    if (!isLate && at >= call.startedAt - clockErrorMs + least * 1000) continue;
    const text = `message ${message.id} was released, and becomes visible at ${outcome.done.visibleAt}, which no call asked for`;
    yield { promise: 'never-before-visible', text, calls: [call] };
  }
}

/** Whether a rejected message certainly goes to a dead-letter queue: the queue is there, and nothing was purged. */
function hasDeadLetterQueue({ queues }: Ledger, queue: string): boolean {
  const settings = queues.settings(queue);
  const isLasting = settings.every(({ deadLetter }) => deadLetter && !queues.isDeleted(deadLetter.queue));
  return settings.length > 0 && isLasting && queues.purges(queue).length === 0 && !queues.isDeleted(queue);
}

/** A call with a lease that nothing can have ended is not refused. */
function* judgeRefusals(ledger: Ledger, delivery: Delivery): Generator<Violation> {
  for (const act of delivery.acts) {
    if (act.outcome === 'uncertain' || 'done' in act.outcome) continue;
    const { call, operation } = act;
    const endedAt = endOf(call);
    const { refused } = act.outcome;
    const refusal = `${operation} of message ${delivery.message.id}, with the receipt of its lease, was refused as ${refused}`;
    if (refused === 'invalid_receipt' && !ledger.queues.isDeleted(delivery.queue) && call.params.queue === delivery.queue) {
      yield { promise: 'live-lease-is-honoured', text: refusal, calls: [delivery.call, call] };
    }
    if (refused === 'cancelled' && cancelsOf(ledger, delivery.life).length === 0) {
      yield { promise: 'live-lease-is-honoured', text: refusal, calls: [delivery.call, call] };
    }
    const isGivenUp = delivery.acts.some(
      (other) =>
        other !== act &&
        other.operation !== 'extend' &&
        other.call.startedAt <= endedAt &&
        (other.outcome === 'uncertain' || 'done' in other.outcome),
    );
    const remaining = leaseEnd(ledger, delivery, endedAt, call.startedAt) - ledger.clockErrorMs - endedAt;
    if (
      refused === 'lease_lost' &&
      !isGivenUp &&
      releasesOf(ledger, delivery, endedAt).length === 0 &&
      !mayBeReplaced(ledger, delivery) &&
      !mayBeForgotten(ledger, delivery) &&
      remaining > 0 &&
      !ledger.queues.isDeleted(delivery.queue)
    ) {
      yield {
        promise: 'live-lease-is-honoured',
        text: `${refusal} ${remaining} ms before its end`,
        calls: [delivery.call, call],
      };
    }
  }
}

/** A group keeps a trace only of the last message that was cancelled while leased. */
function mayBeForgotten(ledger: Ledger, { life }: Delivery): boolean {
  return life.entry.group !== undefined && cancelsOf(ledger, life).length > 0;
}

/**
 * Whether a later publish may have taken the place of the leased message. A purge frees its own id, its key and its turn in its group;
 * a cancel frees its id or key.
 */
function mayBeReplaced(ledger: Ledger, { life, queue }: Delivery): boolean {
  const { id, dedupKey, group } = life.entry;
  if ((id ?? dedupKey ?? group) !== undefined && ledger.queues.purges(queue).length > 0) return true;
  const isShared = id !== undefined && (ledger.byId.get(id)?.length ?? 0) > 1;
  if (isShared && cancelsOf(ledger, life).length > 0) return true;
  const others = ledger.keyed.get(life.id!)?.filter(({ call }) => call !== life.published) ?? [];
  return dedupKey !== undefined && others.length > 0 && cancelsOf(ledger, life).length > 0;
}
