/** Promises about queues with limits: how many messages are leased at a time, and how many are received per second. */
import type { Call, Violation } from '../run/history.ts';
import { cancelsOf, releasesOf } from './by-id.ts';
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

/** The highest limit that may have been in force. Infinite if there may have been none. */
function mostOf({ queues }: Ledger, queue: string, limit: 'concurrency' | 'ratePerSecond'): number {
  const limits = queues.settings(queue).map((settings) => settings.limits?.[limit] ?? Number.POSITIVE_INFINITY);
  return limits.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...limits);
}

/** Counts the leases at each instant at which a message was delivered or extended. */
function* judgeConcurrency(ledger: Ledger, queue: string, deliveries: readonly Delivery[]): Generator<Violation> {
  const most = mostOf(ledger, queue, 'concurrency');
  if (most === Number.POSITIVE_INFINITY) return;
  for (const at of instantsOf(deliveries)) {
    const held = deliveries.filter((delivery) => isSurelyHeld(ledger, delivery, at));
    if (held.length <= most) continue;
    const text = `${held.length} messages of ${queue} were leased at once, and the limit was ${most}`;
    yield { promise: 'limits-hold', text, calls: callsBehind(held) };
    return;
  }
}

/** Whether a queue with a limit certainly reached it. */
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

/** Whether its lease was delivered by then and cannot have ended. */
export function isSurelyHeld(ledger: Ledger, delivery: Delivery, at: number): boolean {
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
  if (cancelsOf(ledger, life).some(isBefore) || releasesOf(ledger, delivery, at).length > 0) return false;
  // A purge returns the permits of what it removes. When a moved message arrived is unknown, so any purge may have removed it.
  const mayBePurged = (purge: Call) => isBefore(purge) && (queue !== life.queue || life.published.startedAt <= endOf(purge));
  if (ledger.queues.purges(queue).some(mayBePurged)) return false;
  const first = { startedAt: delivery.startedAt, endedAt, until: Date.parse(message.leasedUntil), certain: true };
  // A lease that expired before an extend had no permit in between. Only certain leases rule that out.
  const leases = [first, ...extensions];
  const standing = leases.filter((one) => !leases.some((later) => later.certain && later.startedAt > one.endedAt));
  return Math.min(...standing.map(({ until }) => until)) - ledger.clockErrorMs > at;
}

/** No window of time has more receives than the rate allows plus one second's worth. */
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
      const text = `${within} messages of ${queue} were received within ${to - from} ms, and the limit was ${most} a second`;
      yield { promise: 'limits-hold', text, calls: after.filter((one) => one.to <= to).map(({ call }) => call) };
      return;
    }
  }
}
