/** What a receive under an attempt id returns when it is made again. */
import { attemptMsMax, settingsCacheMs } from '../../../contract/limits.ts';
import type { Call, Violation } from '../run/history.ts';
import type { Attempt } from './attempt-calls.ts';
import { cancelsOf } from './by-id.ts';
import type { Delivery, Ledger } from './ledger.ts';
import { isSurelyHeld } from './limits.ts';
import { endOf } from './outcomes.ts';
import { isDone } from './visibility.ts';

export function* judgeAttempts(ledger: Ledger): Generator<Violation> {
  const { attempts } = ledger;
  if (attempts.length === 0) return;
  const deliveries = new Map(
    ledger.lives.flatMap((life) => life.deliveries.map((delivery) => [delivery.message.receipt, delivery])),
  );
  for (const attempt of attempts) {
    for (const receipt of attempt.receipts) {
      const delivery = deliveries.get(receipt);
      if (delivery && delivery.startedAt < attempt.call.startedAt) yield* judgeRepeated(ledger, attempt, delivery);
    }
    if (!ledger.hasNoFaults || !('output' in attempt.call.answer)) continue;
    const before = repeatedBy(attempt, attempts);
    for (const receipt of before?.receipts ?? []) {
      const delivery = deliveries.get(receipt);
      if (!delivery || attempt.receipts.includes(receipt) || !mustBeRepeated(ledger, attempt, delivery)) continue;
      const text = `a repeated receive lacks message ${delivery.message.id}, which it still held`;
      yield { promise: 'repeat-gives-the-same', text, calls: [delivery.call, attempt.call] };
    }
  }
}

/** What is over before a repeat begins is not in its answer. */
function* judgeRepeated(ledger: Ledger, { call }: Attempt, delivery: Delivery): Generator<Violation> {
  const isBefore = (one: Call, ms = 0) => 'output' in one.answer && endOf(one) + ms < call.startedAt;
  const acks = delivery.acts.filter((act) => act.operation !== 'extend' && isDone(act)).map((act) => act.call);
  const fenceMs = settingsCacheMs + 2 * ledger.clockErrorMs;
  // An earlier cancel may have been of an earlier message under the same id.
  const isAfter = (one: Call) => one.startedAt > delivery.endedAt;
  const cancels = cancelsOf(ledger, delivery.life).filter(isAfter);
  const purges = ledger.queues.purges(delivery.queue).filter((one) => isAfter(one) && isBefore(one, fenceMs));
  const ends = [...[...acks, ...cancels].filter((one) => isBefore(one)), ...purges];
  if (ends.length === 0) return;
  const text = `a repeated receive returned message ${delivery.message.id} again, after its ${ends[0]!.operation}`;
  yield { promise: 'repeat-gives-the-same', text, calls: [delivery.call, ...ends, call] };
}

/** The receive whose answer this one repeats, if that is certain. */
function repeatedBy(attempt: Attempt, attempts: readonly Attempt[]): Attempt | undefined {
  const { call } = attempt;
  const others = attempts.filter(
    (other) =>
      other !== attempt && other.call.params.queue === call.params.queue && other.call.input.attemptId === call.input.attemptId,
  );
  const last = others.findLast((other) => endOf(other.call) < call.startedAt && other.receipts.length > 0);
  if (!last) return undefined;
  const isBetween = (other: Call) => endOf(other) >= last.call.startedAt && other.startedAt <= endOf(call);
  return others.some((other) => other !== last && isBetween(other.call)) ? undefined : last;
}

function mustBeRepeated(ledger: Ledger, { call, extends: own }: Attempt, delivery: Delivery): boolean {
  const { queues, clockErrorMs } = ledger;
  const { queue, startedAt, acts } = delivery;
  const isRemembered = endOf(call) + 2 * clockErrorMs < startedAt + attemptMsMax;
  if (!isRemembered || queues.isDeleted(queue) || queues.settings(queue).some(({ paused }) => paused)) return false;
  const others = acts.filter((act) => !own.includes(act.call));
  return isSurelyHeld(ledger, { ...delivery, acts: others }, endOf(call));
}
