/** Messages that must not be delivered: too early, expired, purged, or with no receives left. */
import type { InputOf, QueueSettings } from '../../../contract/contract.ts';
import { clockMarginMs, failedCharsMax, readToWriteMsMax, settingsCacheMs } from '../../../contract/limits.ts';
import type { Violation } from '../run/history.ts';
import { mayBePutOff } from './by-id.ts';
import { enteredEarliest, enteredLatest } from './decisions.ts';
import { beyondMarginMs } from './endings.ts';
import type { Delivery, Ledger, Life } from './ledger.ts';
import { endOf } from './outcomes.ts';
import { readyAt } from './waits.ts';

export function* judgeFences(ledger: Ledger): Generator<Violation> {
  for (const life of ledger.lives) {
    for (const delivery of life.deliveries) {
      yield* judgeDelay(ledger, life, delivery);
      yield* judgeAge(ledger, life, delivery);
      yield* judgePurge(ledger, life, delivery);
      yield* judgeReceives(ledger, delivery);
      yield* judgeDeath(ledger, life, delivery);
    }
    yield* judgeStays(ledger, life);
  }
}

/** Whether a redrive may have moved the message here, or made it ready before its time. */
function mayBeRedriven({ queues }: Ledger, life: Life, delivery: Delivery): boolean {
  return [...queues.reachable(life.queue)].some((queue) => queues.redrives(queue, delivery.endedAt).length > 0);
}

function* judgeDelay(ledger: Ledger, life: Life, delivery: Delivery): Generator<Violation> {
  const { clockErrorMs } = ledger;
  const visibleAt = readyAt(ledger, life.queue, life.entry, enteredEarliest(ledger, life) - clockErrorMs, 'least');
  const early = visibleAt - clockErrorMs - delivery.endedAt;
  if (early <= 0 || mayBeRedriven(ledger, life, delivery) || mayBePutOff(ledger, life)) return;
  const text = `message ${delivery.message.id} was delivered ${early} ms before its delay was over`;
  yield { promise: 'never-before-visible', text, calls: [life.published, delivery.call] };
}

function* judgeAge(ledger: Ledger, life: Life, delivery: Delivery): Generator<Violation> {
  const { queues, clockErrorMs } = ledger;
  const { queue, message, startedAt } = delivery;
  if (mayBeRedriven(ledger, life, delivery) || mayBePutOff(ledger, life)) return;
  const settings = queues.settings(queue);
  const isOrigin = queue === life.queue;
  if (settings.length === 0 || (!isOrigin && !message.deadLetter)) return;
  // Without its dead-letter queue, a message is retried forever.
  if (settings.some(({ deadLetter }) => deadLetter && queues.isDeleted(deadLetter.queue))) return;
  const enteredAt = isOrigin
    ? readyAt(ledger, queue, life.entry, enteredLatest(ledger, life) + clockErrorMs, 'most')
    : Date.parse(message.deadLetter!.at) + readToWriteMsMax;
  const expiresAt =
    enteredAt + Math.max(...settings.map(({ retentionSeconds }) => (retentionSeconds ?? Number.POSITIVE_INFINITY) * 1000));
  const late = startedAt - clockErrorMs - expiresAt;
  if (late <= 0) return;
  const text = `message ${message.id} was delivered ${late} ms after its retention in ${queue} was over`;
  yield { promise: 'expired-is-never-delivered', text, calls: [life.published, delivery.call] };
}

function* judgePurge(ledger: Ledger, life: Life, delivery: Delivery): Generator<Violation> {
  const { queues, clockErrorMs } = ledger;
  const { queue, message } = delivery;
  if (mayBeRedriven(ledger, life, delivery)) return;
  const isOrigin = queue === life.queue;
  if (!isOrigin && !message.deadLetter) return;
  // The latest possible instant, by true time.
  const enteredAt = isOrigin ? endOf(life.published) : Date.parse(message.deadLetter!.at) + readToWriteMsMax + clockErrorMs;
  for (const purge of queues.purges(queue)) {
    if (!('output' in purge.answer) || enteredAt + beyondMarginMs(ledger) >= purge.startedAt) continue;
    // A receive that began before may deliver it while its cached settings are valid, and no longer.
    const isSoon = delivery.endedAt <= endOf(purge) + settingsCacheMs + 2 * clockErrorMs;
    if (delivery.startedAt <= endOf(purge) && isSoon) continue;
    const text = `message ${message.id} was in ${queue} before it was purged, and delivered after the answer`;
    yield { promise: 'purge', text, calls: [life.published, purge, delivery.call] };
  }
}

const maxReceives = (settings: readonly QueueSettings[]): number[] =>
  settings.map(({ deadLetter }) => deadLetter?.maxReceives ?? Number.POSITIVE_INFINITY);

/** No message is delivered more often than its queue allows. */
function* judgeReceives({ queues }: Ledger, { queue, message, call }: Delivery): Generator<Violation> {
  const settings = queues.settings(queue);
  if (settings.length === 0) return;
  // Without its dead-letter queue, a message is retried forever.
  if (settings.some(({ deadLetter }) => deadLetter && queues.isDeleted(deadLetter.queue))) return;
  const most = Math.max(...maxReceives(settings));
  if (message.receives >= 1 && message.receives <= most) return;
  const text = `message ${message.id} was delivered in ${queue} as its receive ${message.receives}, of ${most} at most`;
  yield { promise: 'dead-lettered-at-exactly-max-receives', text, calls: [call] };
}

/** What a dead letter says about its death is true. */
function* judgeDeath({ queues }: Ledger, life: Life, { queue, message, call }: Delivery): Generator<Violation> {
  const { deadLetter } = message;
  if (!deadLetter) return;
  const violation = (text: string): Violation => ({
    promise: 'dead-lettered-at-exactly-max-receives',
    text: `message ${message.id} in ${queue} ${text}`,
    calls: [life.published, call],
  });
  const settings = queues.settings(deadLetter.queue);
  if (settings.length === 0) return;
  if (!settings.some((one) => one.deadLetter?.queue === queue)) {
    yield violation(`says that it died in ${deadLetter.queue}, which has another dead-letter queue`);
    return;
  }
  const limits = maxReceives(settings.filter((one) => one.deadLetter));
  const { reason, text, receives } = deadLetter;
  if (receives > Math.max(...limits)) yield violation(`died after ${receives} receives, of ${Math.max(...limits)}`);
  if (reason === 'max_receives' && receives < Math.min(...limits))
    yield violation(`died after ${receives} receives, of ${Math.min(...limits)}`);
  const releases = life.deliveries.flatMap(({ acts }) => acts.filter(({ operation }) => operation === 'release'));
  const inputs = releases.map(({ call }) => call.input as InputOf<'release'>);
  if (reason === 'rejected' && !inputs.some((input) => input.deadLetter))
    yield violation('says that it was rejected, and no call did that');
  if (reason === 'unreadable') yield violation('says that it was unreadable, and no message was damaged');
  if (text !== undefined && !inputs.some(({ failed }) => failed && isTextOf(text, failed)))
    yield violation(`died with the text "${text}", which no release gave`);
}

/** Texts are cut to their limit, never within a character. */
function isTextOf(cut: string, failed: string): boolean {
  const text = failed.slice(0, failedCharsMax).toWellFormed();
  return text.startsWith(cut) && cut.length >= Math.min(text.length, failedCharsMax - 1);
}

/** Each receive in one queue is counted, and a message is never in two queues. */
function* judgeStays(ledger: Ledger, life: Life): Generator<Violation> {
  const { queues, clockErrorMs } = ledger;
  const { deliveries } = life;
  for (const [index, second] of deliveries.entries()) {
    const first = deliveries.slice(0, index).findLast(({ endedAt }) => endedAt < second.startedAt);
    if (!first) continue;
    const { queue, message } = second;
    const isSameStay = first.queue === queue && !mayBeRedriven(ledger, life, second);
    if (isSameStay && message.receives <= first.message.receives) {
      const text = `message ${message.id} came back with ${message.receives} receives, after ${first.message.receives}`;
      yield { promise: 'dead-lettered-at-exactly-max-receives', text, calls: [first.call, second.call] };
    }
    const enteredAt = message.deadLetter && Date.parse(message.deadLetter.at);
    if (enteredAt === undefined || first.queue === queue || queues.settings(queue).length === 0) continue;
    if (enteredAt + readToWriteMsMax + clockErrorMs + clockMarginMs < first.startedAt) {
      const text = `message ${message.id} was in ${queue} while it was in ${first.queue}`;
      yield { promise: 'redrive-moves-each-once', text, calls: [first.call, second.call] };
    }
  }
}
