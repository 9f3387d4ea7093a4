/** What may have been done to a message by later publishes under its key. */
import { retryMsMax } from '../../../contract/limits.ts';
import { contentKey } from './content.ts';
import type { KeyedPublish, Ledger, Life } from './ledger.ts';
import { callsOf, endOf } from './outcomes.ts';

/** Another content that a message may have from some time on. */
export interface Replacement {
  startedAt: number;
  endedAt: number;
  content: string;
  /** It surely took the place of the one before. */
  certain: boolean;
}

/** Other publishes under its key that may have changed it: one that was answered as accepted may have found the key taken at first. */
function repeatsOf({ keyed, queues }: Ledger, { queue, entry, id }: Life): readonly KeyedPublish[] {
  if (entry.dedupKey === undefined || !queues.mayReplace(queue)) return [];
  return (keyed.get(id!) ?? []).filter((other) => other.queue === queue && other.entry !== entry);
}

export function replacementsOf(ledger: Ledger, life: Life): Replacement[] {
  const modes = ledger.queues.settings(life.queue).map(({ deduplication }) => deduplication?.onDuplicate);
  const isReplacing = modes.every((mode) => mode === 'replace' || mode === 'debounce');
  return repeatsOf(ledger, life).map((repeat) => ({
    startedAt: repeat.call.startedAt,
    endedAt: endOf(repeat.call),
    content: contentKey(repeat.entry),
    certain: isReplacing && foundWaiting(ledger, life, repeat),
  }));
}

/** Those that may have put it off, or brought it forward. */
export function debouncesOf(ledger: Ledger, life: Life): readonly KeyedPublish[] {
  const settings = ledger.queues.settings(life.queue);
  return settings.some(({ deduplication }) => deduplication?.onDuplicate === 'debounce') ? repeatsOf(ledger, life) : [];
}

/** Those that surely did. */
export function certainDebouncesOf(ledger: Ledger, life: Life): readonly KeyedPublish[] {
  const settings = ledger.queues.settings(life.queue);
  const isDebouncing = settings.every(({ deduplication }) => deduplication?.onDuplicate === 'debounce');
  return isDebouncing ? repeatsOf(ledger, life).filter((repeat) => foundWaiting(ledger, life, repeat)) : [];
}

/**
 * Whether it told of a message that can only have been this one, and that was not leased by then: it was first received later, and no receive
 * was under way, which may have claimed it and given it back uncounted.
 */
function foundWaiting({ calls, queues }: Ledger, life: Life, { call, told }: KeyedPublish): boolean {
  if (told !== 'duplicate' || endOf(life.published) >= call.startedAt) return false;
  const isRedriven = [...queues.reachable(life.queue)].some(
    (queue) => queues.redrives(queue, Number.POSITIVE_INFINITY).length > 0,
  );
  const mayHaveBeenClaimed = callsOf(calls, 'receive').some(
    ({ params, startedAt, endedAt }) =>
      params.queue === life.queue &&
      startedAt <= endOf(call) &&
      (endedAt ?? Number.POSITIVE_INFINITY) + retryMsMax >= call.startedAt,
  );
  const first = life.deliveries.find(({ message, queue }) => message.receives === 1 && queue === life.queue);
  return !isRedriven && !mayHaveBeenClaimed && first !== undefined && first.startedAt > endOf(call);
}
