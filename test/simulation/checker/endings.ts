/** What is promised of how messages end: none is lost, none is stuck, and what is over does not come back. */

import type { Message } from '../../../contract/contract.ts';
import { clockMarginMs, readToWriteMsMax } from '../../../contract/limits.ts';
import type { Call, Violation } from '../run/history.ts';
import { cancelsOf, mayBePutOff, timesOf } from './by-id.ts';
import { commitsOf, isCommitted } from './decisions.ts';
import type { Ledger, Life } from './ledger.ts';
import { type CallOf, callsOf, endOf, mayBeDone } from './outcomes.ts';
import { debouncesOf } from './repeats.ts';
import { isDone, latestVisible } from './visibility.ts';
import { askedTime, readyAt } from './waits.ts';

/** Every message whose publish was accepted is done, gone by a rule, held by somebody still, or was found in the end. */
export function* judgeEndings(ledger: Ledger): Generator<Violation> {
  const { drainedAt } = ledger;
  if (drainedAt === undefined) return;
  const shown = shownAfter(ledger, drainedAt);
  const unheard = callsOf(ledger.calls, 'receive').filter((call) => !('output' in call.answer) && mayBeDone(call));
  for (const [id, { message, call }] of shown) {
    if (ledger.byId.has(id) || !(message.state === 'ready' || message.state === 'dead')) continue;
    if (Date.parse(message.visibleAt) >= drainedAt - ledger.clockErrorMs) continue;
    yield { promise: 'liveness', text: `message ${id} is ${message.state}, and no receive found it`, calls: [call] };
  }
  for (const life of ledger.lives) {
    const seen = life.id === undefined ? undefined : shown.get(life.id);
    const sighting = seen && mayBeOf(ledger, life, seen.message) ? seen : undefined;
    const acked = sighting && ackOf(life);
    if (sighting && acked && endOf(acked) < sighting.call.startedAt) {
      const text = `message ${life.id} was acked, and is there again`;
      yield { promise: 'acked-never-comes-back', text, calls: [life.published, acked, sighting.call] };
    }
    if (!life.accepted && life.deliveries.length === 0 && !sighting) continue;
    if (isAcked(life) || mayBeHidden(ledger, life, drainedAt, unheard) || mayBeGone(ledger, life, drainedAt)) continue;
    const last = life.deliveries.at(-1);
    const calls = [life.published, ...(last ? [last.call] : []), ...(last?.acts ?? []).map(({ call }) => call)];
    if (sighting) {
      const text = `message ${life.id} is there, and no receive finds it`;
      yield { promise: 'liveness', text, calls: [...calls, sighting.call] };
    } else {
      const text = `message ${life.id} of the queue ${life.queue} was ${last ? 'delivered, not acked' : 'accepted'}, and never came again`;
      yield { promise: 'accepted-is-never-lost', text, calls };
    }
  }
}

/** Messages that could be read when all had been received that could be. */
function shownAfter({ calls }: Ledger, drainedAt: number): Map<string, { message: Message; call: Call }> {
  const shown = new Map<string, { message: Message; call: Call }>();
  const after = calls.filter(({ startedAt }) => startedAt >= drainedAt);
  for (const call of callsOf(after, 'getMessage')) {
    // What has ended may be kept: it is not there for anybody to receive.
    if ('output' in call.answer && call.answer.output.endedAt === undefined) {
      shown.set(call.params.id, { message: call.answer.output, call });
    }
  }
  for (const call of callsOf(after, 'peek')) {
    if (!('output' in call.answer)) continue;
    for (const message of call.answer.output.messages) shown.set(message.id, { message, call });
  }
  return shown;
}

/** Of several under one id, one that is there was published when it says, as it says, and is where it can have come to. */
function mayBeOf(
  { clockErrorMs, queues }: Ledger,
  { queue, entry, published }: Life,
  { queue: at, state, publishedAt }: Message,
): boolean {
  if (state === 'prepared' && !entry.prepared) return false;
  const then = Date.parse(publishedAt);
  const isThen = then >= published.startedAt - clockErrorMs && then <= endOf(published) + clockErrorMs;
  return isThen && queues.reachable(queue).has(at);
}

const isAcked = (life: Life) =>
  life.deliveries.some(({ acts }) => acts.some((act) => act.operation === 'ack' && (act.outcome === 'uncertain' || isDone(act))));

/** The call that surely acked it. */
const ackOf = (life: Life) =>
  life.deliveries.flatMap(({ acts }) => acts.filter((act) => act.operation === 'ack' && isDone(act)))[0]?.call;

/** Whether the message need not be visible yet: it, or another of its group, is delayed, leased, or waiting after a lease. */
function mayBeHidden(ledger: Ledger, life: Life, at: number, unheard: readonly CallOf<'receive'>[]): boolean {
  const { group } = life.entry;
  const lives =
    group === undefined ? [life] : ledger.lives.filter(({ queue, entry }) => queue === life.queue && entry.group === group);
  return lives.some((one) => mayBeHiddenItself(ledger, one, at, unheard));
}

function mayBeHiddenItself(ledger: Ledger, life: Life, at: number, unheard: readonly CallOf<'receive'>[]): boolean {
  const { clockErrorMs, queues } = ledger;
  if (timesOf(ledger, life).some((change) => latestTime(ledger, change) >= at - clockErrorMs)) return true;
  const isDebounced = debouncesOf(ledger, life).some(({ queue, entry, call }) => {
    return readyAt(ledger, queue, entry, (call.endedAt ?? call.startedAt) + clockErrorMs, 'most') >= at - clockErrorMs;
  });
  if (isDebounced) return true;
  const entries = life.entry.prepared ? commitsOf(ledger, life) : [life.published];
  const publishEnd = Math.max(...entries.map((call) => call.endedAt ?? call.startedAt));
  if (readyAt(ledger, life.queue, life.entry, publishEnd + clockErrorMs, 'most') >= at - clockErrorMs) return true;
  const lastOnes = life.deliveries.filter(({ endedAt }) => !life.deliveries.some((later) => later.startedAt > endedAt));
  if (lastOnes.some((delivery) => latestVisible(ledger, delivery) >= at - clockErrorMs)) return true;
  // A receive whose answer nobody had may hold it.
  return unheard.some((call) => {
    if (!queues.reachable(life.queue).has(call.params.queue)) return false;
    return (call.endedAt ?? call.startedAt) + hiddenMsMost(ledger, call) >= at - clockErrorMs;
  });
}

/** The latest instant that a change may have put a message off to. */
function latestTime({ clockErrorMs }: Ledger, change: CallOf<'updateMessage'>): number {
  if ('output' in change.answer) return Date.parse(change.answer.output.visibleAt);
  return askedTime(change, (change.endedAt ?? change.startedAt) + clockErrorMs);
}

function hiddenMsMost({ queues, clockErrorMs }: Ledger, { params, input }: CallOf<'receive'>): number {
  const settings = queues.settings(params.queue);
  const seconds = input.visibilityTimeoutSeconds ?? Math.max(0, ...settings.map((one) => one.visibilityTimeoutSeconds));
  const wait = Math.max(0, ...settings.map(({ backoff }) => backoff?.maxSeconds ?? 0));
  // The visibility timeout counts from about the answer, which a claim reckons with for F at the most.
  return (seconds + wait) * 1000 + readToWriteMsMax + clockErrorMs;
}

/** Whether a rule may have ended it: its age, a purge, the end of its queue. */
export function mayBeGone(ledger: Ledger, life: Life, by: number): boolean {
  const { clockErrorMs, queues } = ledger;
  const { startedAt } = life.published;
  if (cancelsOf(ledger, life).some((cancel) => cancel.startedAt <= by) || !isCommitted(ledger, life)) return true;
  const isMoved = mayBePutOff(ledger, life);
  for (const queue of queues.reachable(life.queue)) {
    const settings = queues.settings(queue);
    if (settings.length === 0 || queues.isDeleted(queue)) return true;
    const isOrigin = queue === life.queue;
    const enteredAt = startedAt - clockErrorMs;
    const from = isOrigin && !isMoved ? readyAt(ledger, queue, life.entry, enteredAt, 'least') : enteredAt;
    for (const { retentionSeconds, deadLetter } of settings) {
      if (retentionSeconds === null || deadLetter) continue;
      if (from + retentionSeconds * 1000 <= by + clockErrorMs) return true;
    }
    if (queues.purges(queue).some((purge) => startedAt <= endOf(purge) + beyondMarginMs(ledger) || !isOrigin)) return true;
  }
  return false;
}

/** What clocks that are further off than they may be take from the promise of a purge. */
export function beyondMarginMs({ clockErrorMs }: Ledger): number {
  return Math.max(0, 2 * (clockErrorMs - clockMarginMs));
}
