/** What later publishes under its key may have done to a message. */
import { retryMsMax } from '../../../contract/limits.ts';
import { contentKey } from './content.ts';
import type { KeyedPublish, Ledger, Life } from './ledger.ts';
import { callsOf, endOf } from './outcomes.ts';

/** Content that a message may have from some time on. */
export interface Replacement {
  startedAt: number;
  endedAt: number;
  content: string;
  /** It certainly replaced the previous content. */
  certain: boolean;
}

/** Other publishes under its key that may have changed it. Even an accepted one may have found the key taken at its first attempt. */
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

/** Publishes that may have changed when it is due. */
export function debouncesOf(ledger: Ledger, life: Life): readonly KeyedPublish[] {
  const settings = ledger.queues.settings(life.queue);
  return settings.some(({ deduplication }) => deduplication?.onDuplicate === 'debounce') ? repeatsOf(ledger, life) : [];
}

/** Publishes that certainly did. */
export function certainDebouncesOf(ledger: Ledger, life: Life): readonly KeyedPublish[] {
  const settings = ledger.queues.settings(life.queue);
  const isDebouncing = settings.every(({ deduplication }) => deduplication?.onDuplicate === 'debounce');
  return isDebouncing ? repeatsOf(ledger, life).filter((repeat) => foundWaiting(ledger, life, repeat)) : [];
}

/**
 * Whether the publish was answered as a duplicate of this very message while it was not leased: its first receive came later, and no receive
 * was in progress that could have claimed it and given it back uncounted.
 */
function foundWaiting({ calls, queues }: Ledger, life: Life, { call, answer }: KeyedPublish): boolean {
  if (answer !== 'duplicate' || endOf(life.published) >= call.startedAt) return false;
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
