/** Promises about how messages end: none is lost, none is stuck, and no ended message comes back. */

import type { Message } from '../../../contract/contract.ts';
import { clockMarginMs, readToWriteMsMax } from '../../../contract/limits.ts';
import type { Call, Violation } from '../run/history.ts';
import { cancelsOf, mayBePutOff, timesOf } from './by-id.ts';
import { commitsOf, isCommitted } from './decisions.ts';
import type { Ledger, Life } from './ledger.ts';
import { type CallOf, callsOf, endOf, mayBeDone } from './outcomes.ts';
import { debouncesOf } from './repeats.ts';
import { isOfTopic } from './topic-publishes.ts';
import { isDone, latestVisible } from './visibility.ts';
import { askedTime, readyAt } from './waits.ts';

/** Each accepted message is acked, gone by a rule, still leased, or was received in the end. */
export function* judgeEndings(ledger: Ledger): Generator<Violation> {
  const { drainedAt } = ledger;
  if (drainedAt === undefined) return;
  const shown = shownAfter(ledger, drainedAt);
  const unanswered = callsOf(ledger.calls, 'receive').filter((call) => !('output' in call.answer) && mayBeDone(call));
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
      const text = `message ${life.id} was acked, and is back`;
      yield { promise: 'acked-never-comes-back', text, calls: [life.published, acked, sighting.call] };
    }
    if (!life.accepted && life.deliveries.length === 0 && !sighting) continue;
    if (isAcked(life) || mayBeHidden(ledger, life, drainedAt, unanswered) || mayBeGone(ledger, life, drainedAt)) continue;
    const last = life.deliveries.at(-1);
    const calls = [life.published, ...(last ? [last.call] : []), ...(last?.acts ?? []).map(({ call }) => call)];
    if (sighting) {
      const text = `message ${life.id} can be read, and no receive finds it`;
      yield { promise: 'liveness', text, calls: [...calls, sighting.call] };
    } else {
      const text = `message ${life.id} of the queue ${life.queue} was ${last ? 'delivered, not acked' : 'accepted'}, and never delivered afterwards`;
      yield { promise: isOfTopic(life.entry) ? 'every-subscription-once' : 'accepted-is-never-lost', text, calls };
    }
  }
}

/** Messages that could still be read after the drain. */
function shownAfter({ calls }: Ledger, drainedAt: number): Map<string, { message: Message; call: Call }> {
  const shown = new Map<string, { message: Message; call: Call }>();
  const after = calls.filter(({ startedAt }) => startedAt >= drainedAt);
  for (const call of callsOf(after, 'getMessage')) {
    // An ended message that is kept cannot be received.
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

/** Whether a message that was read may be this one, of several under one id: its time of publish, state and queue must fit. */
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

/** The call that certainly acked it. */
const ackOf = (life: Life) =>
  life.deliveries.flatMap(({ acts }) => acts.filter((act) => act.operation === 'ack' && isDone(act)))[0]?.call;

/** Whether the message may still be invisible: it or another message of its group is delayed, leased or in backoff. */
function mayBeHidden(ledger: Ledger, life: Life, at: number, unanswered: readonly CallOf<'receive'>[]): boolean {
  const { group } = life.entry;
  // Dead letters of several queues may share a group.
  const here = ledger.queues.reachable(life.queue);
  const mayMeet = (queue: string) => queue === life.queue || [...ledger.queues.reachable(queue)].some((one) => here.has(one));
  const lives = group === undefined ? [life] : ledger.lives.filter(({ queue, entry }) => entry.group === group && mayMeet(queue));
  return lives.some((one) => mayBeHiddenItself(ledger, one, at, unanswered));
}

function mayBeHiddenItself(ledger: Ledger, life: Life, at: number, unanswered: readonly CallOf<'receive'>[]): boolean {
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
  // A receive whose answer was lost may hold it.
  return unanswered.some((call) => {
    if (!queues.reachable(life.queue).has(call.params.queue)) return false;
    return (call.endedAt ?? call.startedAt) + hiddenMsMost(ledger, call) >= at - clockErrorMs;
  });
}

/** The latest instant to which the change may have postponed the message. */
function latestTime({ clockErrorMs }: Ledger, change: CallOf<'updateMessage'>): number {
  if ('output' in change.answer) return Date.parse(change.answer.output.visibleAt);
  return askedTime(change, (change.endedAt ?? change.startedAt) + clockErrorMs);
}

function hiddenMsMost({ queues, clockErrorMs }: Ledger, { params, input }: CallOf<'receive'>): number {
  const settings = queues.settings(params.queue);
  const seconds = input.visibilityTimeoutSeconds ?? Math.max(0, ...settings.map((one) => one.visibilityTimeoutSeconds));
  const wait = Math.max(0, ...settings.map(({ backoff }) => backoff?.maxSeconds ?? 0));
  // The visibility timeout counts from about the answer. A claim allows for at most F until then.
  return (seconds + wait) * 1000 + readToWriteMsMax + clockErrorMs;
}

/** Whether a rule may have ended it: retention, a purge, the deletion of its queue. */
export function mayBeGone(ledger: Ledger, life: Life, by: number): boolean {
  const { clockErrorMs, queues } = ledger;
  const { startedAt } = life.published;
  if (cancelsOf(ledger, life).some((cancel) => cancel.startedAt <= by) || !isCommitted(ledger, life)) return true;
  const isMoved = mayBePutOff(ledger, life);
  for (const queue of queues.reachable(life.queue)) {
    const settings = queues.settings(queue);
    if (settings.length === 0 || queues.isDeleted(queue, { since: startedAt, by })) return true;
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

/** By how much a purge is less exact when clocks are off by more than the margin. */
export function beyondMarginMs({ clockErrorMs }: Ledger): number {
  return Math.max(0, 2 * (clockErrorMs - clockMarginMs));
}
