/** Promises about deduplication: a key has one message at a time, and no publish is answered as a duplicate while the key is free. */
import type { Violation } from '../run/history.ts';
import { cancelsOf } from './by-id.ts';
import { beyondMarginMs } from './endings.ts';
import type { Duplicate, Ledger, Life } from './ledger.ts';
import { endOf } from './outcomes.ts';
import { certainDebouncesOf, debouncesOf } from './repeats.ts';
import { isDone } from './visibility.ts';
import { hasSameWait, readyAt } from './waits.ts';

export function* judgeKeys(ledger: Ledger): Generator<Violation> {
  const keyed = ledger.lives.filter(({ entry }) => entry.dedupKey !== undefined);
  if (keyed.length === 0) return;
  const ofOne = Map.groupBy(
    keyed.filter(({ accepted }) => accepted),
    ({ queue, entry }) => `${queue} ${entry.dedupKey}`,
  );
  for (const lives of ofOne.values()) {
    for (const [index, first] of lives.entries()) {
      for (const second of lives.slice(index + 1)) {
        if (mayFollow(ledger, first, second) || mayFollow(ledger, second, first)) continue;
        const [one, other] = [withDeliveriesOf(first, second), withDeliveriesOf(second, first)];
        if (mayBeSwapped(ledger, first, second) && (mayFollow(ledger, one, other) || mayFollow(ledger, other, one))) continue;
        const text = `message ${first.id} was accepted twice while its key was taken`;
        yield { promise: 'one-message-a-key', text, calls: [first.published, second.published] };
      }
    }
  }
  for (const duplicate of ledger.duplicates) {
    if (duplicate.entry.dedupKey === undefined) continue;
    const { dedupKey } = duplicate.entry;
    const ofKey = keyed.filter(({ queue, entry }) => queue === duplicate.queue && entry.dedupKey === dedupKey);
    // The first message may be known by the answer to its duplicate only.
    const holders = ofKey.filter(({ id }) => id === undefined || id === duplicate.id);
    if (holders.some((life) => mayHold(ledger, life, duplicate))) continue;
    const text = `message ${duplicate.id} was answered as a duplicate, and its key was free`;
    yield { promise: 'accepted-is-never-lost', text, calls: [...holders.map(({ published }) => published), duplicate.call] };
  }
  for (const life of keyed) yield* judgeDebounced(ledger, life);
}

const withDeliveriesOf = (life: Life, { deliveries }: Life): Life => ({ ...life, deliveries });

/** Whether the deliveries of the two may be interchanged: their times fit both, and a publish under the key may have changed the bodies. */
function mayBeSwapped({ queues, clockErrorMs }: Ledger, first: Life, second: Life): boolean {
  const fits = ({ published }: Life, { saidAt }: Life) => {
    const at = saidAt === undefined ? published.startedAt : Date.parse(saidAt);
    return at >= published.startedAt - clockErrorMs && at <= endOf(published) + clockErrorMs;
  };
  return queues.mayReplace(first.queue) && fits(first, second) && fits(second, first);
}

/** Whether the key that `first` took may have been free when `second` was accepted. */
function mayFollow(ledger: Ledger, first: Life, second: Life): boolean {
  const { clockErrorMs, queues } = ledger;
  const { startedAt } = first.published;
  const by = endOf(second.published);
  if (by < startedAt) return false;
  const settings = queues.settings(first.queue);
  if (settings.length === 0 || queues.isDeleted(first.queue)) return true;
  const isPurged = queues
    .purges(first.queue)
    .some((purge) => purge.startedAt <= by && endOf(purge) + beyondMarginMs(ledger) + clockErrorMs >= startedAt);
  if (isPurged) return true;
  const windowMs = Math.min(...settings.map(({ deduplication }) => (deduplication?.windowSeconds ?? 0) * 1000));
  if (by + clockErrorMs < startedAt - clockErrorMs + windowMs) return false;
  return first.entry.group !== undefined || mayBeOver(ledger, first, by);
}

/** Whether it may have left its queue by then. */
function mayBeOver(ledger: Ledger, life: Life, by: number): boolean {
  const { clockErrorMs, queues } = ledger;
  const settings = queues.settings(life.queue);
  if (settings.some(({ deadLetter }) => deadLetter) || queues.redrives(life.queue, by).length > 0) return true;
  if (cancelsOf(ledger, life).some(({ startedAt }) => startedAt <= by)) return true;
  const isOld = settings.some(
    ({ retentionSeconds }) =>
      retentionSeconds !== null && life.published.startedAt - clockErrorMs + retentionSeconds * 1000 <= by + clockErrorMs,
  );
  return (
    isOld || life.deliveries.some(({ acts }) => acts.some(({ operation, call }) => operation === 'ack' && call.startedAt <= by))
  );
}

/** Whether it may have had the key when the duplicate was answered. */
function mayHold(ledger: Ledger, life: Life, { call }: Duplicate): boolean {
  const { clockErrorMs, queues } = ledger;
  const at = call.startedAt;
  const publishedBy = endOf(life.published);
  if (life.published.startedAt > endOf(call)) return false;
  const isPurged = queues
    .purges(life.queue)
    .some((purge) => 'output' in purge.answer && publishedBy + beyondMarginMs(ledger) < purge.startedAt && endOf(purge) < at);
  if (isPurged) return false;
  const windowMs = Math.max(
    0,
    ...queues.settings(life.queue).map(({ deduplication }) => (deduplication?.windowSeconds ?? 0) * 1000),
  );
  if (publishedBy + clockErrorMs + windowMs >= at - clockErrorMs) return true;
  // In a group, a key is taken for its window alone.
  if (life.entry.group !== undefined) return false;
  return !life.deliveries.some(({ acts }) => acts.some((act) => act.operation === 'ack' && isDone(act) && endOf(act.call) < at));
}

/** A message that a debounce postponed does not come earlier. */
function* judgeDebounced(ledger: Ledger, life: Life): Generator<Violation> {
  for (const { entry, call } of certainDebouncesOf(ledger, life)) {
    const first = life.deliveries.find(({ startedAt }) => startedAt > endOf(call))!;
    const others = debouncesOf(ledger, life).filter((other) => other.call !== call || !hasSameWait(other.entry, entry));
    const isOverruled = [...others.map((other) => other.call), ...(ledger.changes.get(life.id!) ?? [])].some(
      (other) => endOf(other) >= call.startedAt && other.startedAt <= first.endedAt,
    );
    if (isOverruled) continue;
    const visibleAt = readyAt(ledger, life.queue, entry, call.startedAt - ledger.clockErrorMs, 'least');
    const early = visibleAt - ledger.clockErrorMs - first.endedAt;
    if (early <= 0) continue;
    const text = `message ${life.id} was delivered ${early} ms before the instant to which a publish under its key postponed it`;
    yield { promise: 'never-before-visible', text, calls: [life.published, call, first.call] };
  }
}
