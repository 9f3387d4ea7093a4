/** What is promised of leases: each pair of deliveries of one message must fit, in one order or the other. */
import type { Violation } from '../run/history.ts';
import { cancelsOf } from './by-id.ts';
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
    // Two copies of what a redrive was to move once show themselves so.
    promise: isRedriven(ledger, first, second) ? 'redrive-moves-each-once' : promise,
    text,
    calls: [first.call, ...acts.map(({ call }) => call), second.call],
  });
  if (first.startedAt > second.endedAt) return fault('one-live-lease', `message ${id} was delivered before it was`);

  const acked = first.acts.find((act) => act.operation === 'ack' && isDone(act));
  if (acked) {
    if (acked.call.startedAt <= second.endedAt) {
      return fault('acked-never-comes-back', `message ${id} was acked, and delivered again`, [acked]);
    }
    return fault('late-holder-is-told', `an ack of message ${id} was answered ok after another had received it`, [acked]);
  }
  const late = first.acts.find((act) => isDone(act) && act.call.startedAt > second.endedAt);
  if (late) {
    const text = `${late.operation} of message ${id} was answered ok after another had received it`;
    return fault('late-holder-is-told', text, [late]);
  }

  const visible = earliestVisible(ledger, first, second.endedAt);
  const early = visible.at - ledger.clockErrorMs - second.endedAt;
  if (early <= 0) return undefined;
  const isLeased =
    visible.by === 'lease' ||
    (visible.by === 'backoff' && leaseEnd(ledger, first, second.endedAt) - ledger.clockErrorMs > second.endedAt);
  return isLeased
    ? fault('one-live-lease', `message ${id} was delivered ${early} ms before the lease on it ended`, visible.acts)
    : fault('never-before-visible', `message ${id} was delivered ${early} ms before its ${visible.by} let it`, visible.acts);
}

const isRedriven = (ledger: Ledger, first: Delivery, second: Delivery) =>
  first.queue !== second.queue &&
  [first, second].some(({ queue }) => ledger.queues.redrives(queue, Math.max(first.endedAt, second.endedAt)).length > 0);

/** Who gave a message back holds it no more. */
function* judgeReleased({ message, acts }: Delivery): Generator<Violation> {
  const released = acts.find((act) => act.operation === 'release' && isDone(act));
  const late = released && acts.find((act) => isDone(act) && act.call.startedAt > endOf(released.call));
  if (!late) return;
  const text = `${late.operation} of message ${message.id} was answered ok after its release`;
  yield { promise: 'late-holder-is-told', text, calls: [released.call, late.call] };
}

/** A release answers with the wait that was asked for. Without one, a message that failed waits a backoff, and another waits for nothing. */
function* judgeWait(ledger: Ledger, { queue, message, acts }: Delivery): Generator<Violation> {
  const { clockErrorMs, queues } = ledger;
  for (const act of acts) {
    if (act.operation !== 'release' || act.outcome === 'uncertain' || !('done' in act.outcome)) continue;
    const { call, outcome } = act;
    if (!('visibleAt' in outcome.done)) continue;
    const { delaySeconds, failed, deadLetter } = call.input;
    if (deadLetter && hasPlaceForDead(ledger, queue)) {
      const text = `message ${message.id} was rejected, and stays in ${queue}`;
      yield { promise: 'dead-lettered-at-exactly-max-receives', text, calls: [call] };
    }
    const longest = Math.max(0, ...queues.settings(queue).map(({ backoff }) => backoff?.maxSeconds ?? 0));
    const [least, most] =
      delaySeconds === undefined ? [0, failed === undefined && !deadLetter ? 0 : longest] : [delaySeconds, delaySeconds];
    const at = Date.parse(outcome.done.visibleAt);
    const isLate = queues.settings(queue).length > 0 && at > endOf(call) + clockErrorMs + most * 1000;
    if (!isLate && at >= call.startedAt - clockErrorMs + least * 1000) continue;
    const text = `message ${message.id} was released, and is to come at ${outcome.done.visibleAt}, which nobody asked for`;
    yield { promise: 'never-before-visible', text, calls: [call] };
  }
}

/** Whether what is rejected here surely goes to a dead-letter queue: it is there, and nothing was purged. */
function hasPlaceForDead({ queues }: Ledger, queue: string): boolean {
  const settings = queues.settings(queue);
  const isLasting = settings.every(({ deadLetter }) => deadLetter && !queues.isDeleted(deadLetter.queue));
  return settings.length > 0 && isLasting && queues.purges(queue).length === 0 && !queues.isDeleted(queue);
}

/** Whoever holds a lease that nobody can have ended is not told that it is lost. */
function* judgeRefusals(ledger: Ledger, delivery: Delivery): Generator<Violation> {
  for (const act of delivery.acts) {
    if (act.outcome === 'uncertain' || 'done' in act.outcome) continue;
    const { call, operation } = act;
    const endedAt = endOf(call);
    const { refused } = act.outcome;
    const told = `${operation} of message ${delivery.message.id}, with the receipt of its lease, was refused as ${refused}`;
    if (refused === 'invalid_receipt' && !ledger.queues.isDeleted(delivery.queue) && call.params.queue === delivery.queue) {
      yield { promise: 'live-lease-is-honoured', text: told, calls: [delivery.call, call] };
    }
    if (refused === 'cancelled' && cancelsOf(ledger, delivery.life).length === 0) {
      yield { promise: 'live-lease-is-honoured', text: told, calls: [delivery.call, call] };
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
      !mayBeReplaced(ledger, delivery) &&
      !mayBeForgotten(ledger, delivery) &&
      remaining > 0 &&
      !ledger.queues.isDeleted(delivery.queue)
    ) {
      yield { promise: 'live-lease-is-honoured', text: `${told} ${remaining} ms before its end`, calls: [delivery.call, call] };
    }
  }
}

/** A group remembers only the last of its messages that were cancelled while they were held. */
function mayBeForgotten(ledger: Ledger, { life }: Delivery): boolean {
  return life.entry.group !== undefined && cancelsOf(ledger, life).length > 0;
}

/**
 * A message that was purged gives its own id, its key, or its turn in its group up to the next that is published under it, though somebody holds
 * it; a cancelled one its id or key.
 */
function mayBeReplaced(ledger: Ledger, { life, queue }: Delivery): boolean {
  const { id, dedupKey, group } = life.entry;
  if ((id ?? dedupKey ?? group) !== undefined && ledger.queues.purges(queue).length > 0) return true;
  const isShared = id !== undefined && (ledger.byId.get(id)?.length ?? 0) > 1;
  if (isShared && cancelsOf(ledger, life).length > 0) return true;
  const others = ledger.keyed.get(life.id!)?.filter(({ call }) => call !== life.published) ?? [];
  return dedupKey !== undefined && others.length > 0 && cancelsOf(ledger, life).length > 0;
}
