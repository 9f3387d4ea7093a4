/** Promises about dead letters in a queue that keeps them in their groups: order, and one lease a group at a time. */
import type { Violation } from '../run/history.ts';
import type { Delivery, Ledger } from './ledger.ts';
import { endOf } from './outcomes.ts';
import { judgeGroupLeases } from './records.ts';

type DeadDelivery = Delivery & { message: { deadLetter: { at: string } } };

const isDead = (delivery: Delivery): delivery is DeadDelivery =>
  delivery.message.deadLetter !== undefined && delivery.message.group !== undefined;

export function* judgeDeadGroups(ledger: Ledger): Generator<Violation> {
  const deliveries = ledger.lives
    .flatMap((life) => life.deliveries.filter(isDead))
    .filter(({ queue }) => keepsDeadInOrder(ledger, queue));
  for (const ofGroup of Map.groupBy(deliveries, ({ queue, message }) => `${queue} ${message.group}`).values()) {
    yield* judgeGroupLeases(ledger, ofGroup);
    for (const first of ofGroup) yield* judgeDeaths(ledger, first, ofGroup);
  }
}

/** Whether the order of its dead letters always holds. */
function keepsDeadInOrder({ queues }: Ledger, queue: string): boolean {
  return queues
    .settings(queue)
    .every(({ groups }) => groups?.deadLetters === 'ordered' && groups.concurrency === 1 && groups.onFailure === 'block');
}

/**
 * A dead letter that was certainly in the queue before another one of its group died, and that is delivered after that one, was passed over:
 * all the time it lay before the other.
 */
function* judgeDeaths(ledger: Ledger, first: DeadDelivery, ofGroup: readonly DeadDelivery[]): Generator<Violation> {
  const deadSince = certainlyDeadSince(ledger, first);
  for (const second of ofGroup) {
    if (second.life === first.life || second.endedAt >= first.startedAt) continue;
    const diedLater = Date.parse(second.message.deadLetter.at) - ledger.clockErrorMs > deadSince;
    const isTogether = first.life.deliveries.some(({ call }) => call === second.call);
    if (!diedLater || isTogether) continue;
    const text = `the dead letter ${second.message.id} was delivered before ${first.message.id} of its group, which died first`;
    yield { promise: 'group-order', text, calls: [second.call, first.call] };
  }
}

/** When the answer came that showed the death: of the release that rejected the message, or of an earlier receive of the dead letter. */
function certainlyDeadSince({ clockErrorMs }: Ledger, { life, message, endedAt }: DeadDelivery): number {
  const { at } = message.deadLetter;
  const died = Date.parse(at);
  const rejections = life.deliveries.flatMap(({ acts }) =>
    acts.flatMap((act) => {
      const isRejection =
        act.operation === 'release' && act.outcome !== 'uncertain' && 'done' in act.outcome && 'deadLettered' in act.outcome.done;
      if (!isRejection) return [];
      const isThis = died >= act.call.startedAt - clockErrorMs && died <= endOf(act.call) + clockErrorMs;
      return isThis ? [endOf(act.call)] : [];
    }),
  );
  const shown = life.deliveries.filter((one) => one.message.deadLetter?.at === at).map((one) => one.endedAt);
  return Math.min(endedAt, ...rejections, ...shown);
}
