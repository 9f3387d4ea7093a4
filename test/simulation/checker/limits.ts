/** What is promised of queues with limits: how many messages are under a lease at a time, and how many are received in what time. */
import type { Call, Violation } from '../run/history.ts';
import { cancelsOf } from './by-id.ts';
import type { Delivery, Ledger } from './ledger.ts';
import { callsOf, endOf } from './outcomes.ts';

export function* judgeLimits(ledger: Ledger): Generator<Violation> {
  const deliveries = ledger.lives.flatMap((life) => life.deliveries);
  for (const [queue, those] of Map.groupBy(deliveries, (delivery) => delivery.queue)) {
    if (ledger.queues.isDeleted(queue)) continue;
    yield* judgeConcurrency(ledger, queue, those);
    yield* judgeRate(ledger, queue);
  }
}

/** The most that may ever have been allowed; infinite: anything may have been. */
function mostOf({ queues }: Ledger, queue: string, limit: 'concurrency' | 'ratePerSecond'): number {
  const limits = queues.settings(queue).map((settings) => settings.limits?.[limit] ?? Number.POSITIVE_INFINITY);
  return limits.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...limits);
}

/** At each instant at which one more was handed over, or held longer. */
function* judgeConcurrency(ledger: Ledger, queue: string, deliveries: readonly Delivery[]): Generator<Violation> {
  const most = mostOf(ledger, queue, 'concurrency');
  if (most === Number.POSITIVE_INFINITY) return;
  for (const at of instantsOf(deliveries)) {
    const held = deliveries.filter((delivery) => isSurelyHeld(ledger, delivery, at));
    if (held.length <= most) continue;
    const text = `${held.length} messages of ${queue} were under a lease at once, of ${most} at most`;
    yield { promise: 'limits-hold', text, calls: callsBehind(held) };
    return;
  }
}

/** Whether a queue with a limit was ever surely full. */
export function wasFull(ledger: Ledger, queue: string): boolean {
  const deliveries = ledger.lives.flatMap((life) => life.deliveries.filter((delivery) => delivery.queue === queue));
  const most = mostOf(ledger, queue, 'concurrency');
  return instantsOf(deliveries).some((at) => deliveries.filter((one) => isSurelyHeld(ledger, one, at)).length >= most);
}

function instantsOf(deliveries: readonly Delivery[]): number[] {
  const extends_ = deliveries.flatMap(({ acts }) => acts.filter(({ operation }) => operation === 'extend'));
  return [...new Set([...deliveries.map(({ endedAt }) => endedAt), ...extends_.map(({ call }) => endOf(call))])].filter(
    Number.isFinite,
  );
}

const callsBehind = (held: readonly Delivery[]): Call[] => [...new Set(held.map(({ call }) => call))];

/** Whether its lease was delivered by then, and cannot be over: nobody may have given it back, or taken it away. */
function isSurelyHeld(ledger: Ledger, delivery: Delivery, at: number): boolean {
  const { acts, endedAt, queue, life, message } = delivery;
  if (endedAt > at) return false;
  const isBefore = (call: { startedAt: number }) => call.startedAt <= at;
  const extensions: { startedAt: number; endedAt: number; until: number; certain: boolean }[] = [];
  for (const { operation, call, outcome } of acts) {
    if (!isBefore(call)) continue;
    if (operation !== 'extend' || outcome === 'uncertain' || 'refused' in outcome) return false;
    const until = Date.parse(outcome.done.leasedUntil);
    extensions.push({ startedAt: call.startedAt, endedAt: endOf(call), until, certain: endOf(call) <= at });
  }
  if (cancelsOf(ledger, life).some(isBefore)) return false;
  // A purge frees the places of what it removes; of what came in another way than by its publish, nobody knows when it came.
  const mayBePurged = (purge: Call) => isBefore(purge) && (queue !== life.queue || life.published.startedAt <= endOf(purge));
  if (ledger.queues.purges(queue).some(mayBePurged)) return false;
  const first = { startedAt: delivery.startedAt, endedAt, until: Date.parse(message.leasedUntil), certain: true };
  // A lease that had run out before it was extended left its place to others meanwhile; that is told by the certain ones alone.
  const leases = [first, ...extensions];
  const standing = leases.filter((one) => !leases.some((later) => later.certain && later.startedAt > one.endedAt));
  return Math.min(...standing.map(({ until }) => until)) - ledger.clockErrorMs > at;
}

/** In no window more were received than a second's worth, and what the time gives. */
function* judgeRate(ledger: Ledger, queue: string): Generator<Violation> {
  const most = mostOf(ledger, queue, 'ratePerSecond');
  if (most === Number.POSITIVE_INFINITY) return;
  const receives = callsOf(ledger.calls, 'receive').flatMap((call) => {
    if (call.params.queue !== queue || !('output' in call.answer) || call.answer.output.messages.length === 0) return [];
    return [{ call, from: call.startedAt, to: endOf(call), count: call.answer.output.messages.length }];
  });
  for (const { from } of receives) {
    let within = 0;
    const after = receives.filter((one) => one.from >= from).sort((a, b) => a.to - b.to);
    for (const { to, count } of after) {
      within += count;
      const allowed = Math.max(1, most) + ((to - from + 2 * ledger.clockErrorMs) * most) / 1000;
      if (within <= allowed + 1e-6) continue;
      const text = `${within} messages of ${queue} were received within ${to - from} ms, of ${most} a second at most`;
      yield { promise: 'limits-hold', text, calls: after.filter((one) => one.to <= to).map(({ call }) => call) };
      return;
    }
  }
}
