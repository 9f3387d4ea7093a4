/** Makes the lives of a history: one for each published entry that may have stored a message. */
import type { Call } from '../run/history.ts';
import { contentKey } from './content.ts';
import { idBefore } from './ids.ts';
import type { Duplicate, KeyedPublish, Life } from './ledger.ts';
import { endOf, outcomeOf, outcomeOfEntry } from './outcomes.ts';
import type { CopyPublish } from './topic-publishes.ts';

/** The lives found so far. */
export interface Lives {
  all: Life[];
  byId: Map<string, Life[]>;
  /** Lives whose id is unknown, by their content. */
  unnamed: Map<string, Life[]>;
  keyed: Map<string, KeyedPublish[]>;
  duplicates: Duplicate[];
}

/** `retryMsMin`: see `Circumstances`. */
export function livesOf(calls: readonly Call[], retryMsMin: number): Lives {
  const lives: Lives = { all: [], byId: new Map(), unnamed: new Map(), keyed: new Map(), duplicates: [] };
  for (const call of calls) {
    if (call.operation !== 'publish') continue;
    const whole = outcomeOf<'publish'>(call);
    call.input.messages.forEach((entry, index) => {
      const outcome = outcomeOfEntry(whole, index);
      if (outcome !== 'uncertain' && 'refused' in outcome) return;
      const accepted = outcome === 'uncertain' ? undefined : outcome.done;
      const id = accepted?.id ?? idBefore(entry);
      const { queue } = call.params;
      if (entry.dedupKey !== undefined && entry.group === undefined) {
        const answer = accepted?.duplicate ? 'duplicate' : accepted ? 'accepted' : 'none';
        push(lives.keyed, id!, { queue, entry, call, answer });
      }
      const { answeredAt } = call as CopyPublish;
      const life: Life = { id, queue, entry, published: call, answeredAt, accepted: accepted !== undefined, deliveries: [] };
      if (!accepted?.duplicate) {
        add(lives, life);
        return;
      }
      lives.duplicates.push({ id: accepted.id, queue, entry, call });
      // With a key, the queue recognizes its own earlier attempt.
      if (entry.dedupKey === undefined && endOf(call) - call.startedAt >= retryMsMin)
        add(lives, { ...life, accepted: false, duplicate: true });
    });
  }
  acceptByDuplicate(lives);
  return lives;
}

export function add(lives: Lives, life: Life): void {
  lives.all.push(life);
  if (life.id === undefined) push(lives.unnamed, contentKey(life.entry), life);
  else push(lives.byId, life.id, life);
}

/** Sets the id of a life. */
export function name(lives: Lives, life: Life, id: string): void {
  life.id = id;
  push(lives.byId, id, life);
}

/** A publish without an answer was applied if a later one is answered as its duplicate, and no other message can be meant. */
function acceptByDuplicate({ duplicates, byId }: Lives): void {
  for (const { id, queue, call } of duplicates) {
    const lives = (byId.get(id) ?? []).filter((life) => life.queue === queue && life.published.startedAt <= endOf(call));
    if (lives.length === 1 && !lives[0]!.duplicate) lives[0]!.accepted = true;
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
