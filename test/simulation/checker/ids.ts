/** What ids tell of the messages that have them. */
import type { PublishEntry } from '../../../contract/contract.ts';

/** The id that a message has before anybody answers: its caller's own, or that of its key. */
export function idBefore({ id, dedupKey }: PublishEntry): string | undefined {
  return dedupKey === undefined ? id : `@${dedupKey}`;
}

/** The id under which it was published: a message under a key that was dead-lettered has more after a second `@`. */
export function idAtFirst(id: string): string {
  return id.startsWith('@') ? `@${id.split('@')[1]}` : id;
}
