/** The ids that are known before a publish is answered. */
import type { PublishEntry } from '../../../contract/contract.ts';

/** The caller's own id, or the id of the key. In a group, a key makes no id. */
export function idBefore({ id, dedupKey, group }: PublishEntry): string | undefined {
  return dedupKey === undefined || group !== undefined ? id : `@${dedupKey}`;
}

/** The id at the publish. A dead-lettered message with a key has a suffix after a second `@`. */
export function idAtFirst(id: string): string {
  return id.startsWith('@') ? `@${id.split('@')[1]}` : id;
}
