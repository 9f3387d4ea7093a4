/** API keys: created, listed and revoked. A key is shown once, when it is made. */
import type { Clock, Random, Store } from '../engine/port.ts';
import type { ApiKey, InputOf, OutputOf, Page } from '../sdk/contract.ts';
import { DumbwaiterError } from '../sdk/errors.ts';
import { pageEntriesDefault } from '../sdk/limits.ts';
import type { Principal } from './authorization.ts';
import { createKeyCache } from './key-cache.ts';
import { keyHash, keyKind, keyOfRow, newKeyText, rowOf, type StoredKey, storedKey } from './key-rows.ts';

export interface Keys {
  /** Throws `forbidden` if the key would be given a scope that its creator lacks. */
  create(input: InputOf<'createKey'>, creator: Principal): Promise<OutputOf<'createKey'>>;
  list(page: Page): Promise<OutputOf<'listKeys'>>;
  /** Here at once, elsewhere within `keyCacheMs`. Throws `key_not_found`. */
  revoke(id: string): Promise<object>;
  /** As it was at most `keyCacheMs` ago. */
  find(id: string): Promise<StoredKey | undefined>;
}

export function createKeys({ store, clock, random }: { store: Store; clock: Clock; random: Random }): Keys {
  const cache = createKeyCache(store, clock);

  async function create(input: InputOf<'createKey'>, creator: Principal): Promise<OutputOf<'createKey'>> {
    const beyond = input.scopes.find((scope) => !creator.scopes.includes(scope));
    if (beyond !== undefined)
      throw new DumbwaiterError('forbidden', `A key without the scope ${beyond} cannot give it to another.`);
    const { id, text } = newKeyText(random);
    const key = { id, ...input, createdAt: new Date(clock.now()).toISOString(), hash: keyHash(text) };
    const written = await store.write({ key: keyOfRow(id), when: { absent: ['kind'] }, then: { put: rowOf(key) } });
    if (!written.ok) throw new Error('A new key has the id of another.');
    return { ...shown(key), key: text };
  }

  async function list({ limit = pageEntriesDefault, cursor }: Page): Promise<OutputOf<'listKeys'>> {
    const page = await store.range({
      table: 'queues',
      partition: keyKind,
      limit,
      consistent: true,
      ...(cursor === undefined ? {} : { after: { kind: keyKind, name: lastOf(cursor) } }),
    });
    const last = page.next === undefined ? undefined : page.rows.at(-1);
    return {
      keys: page.rows.map((row) => shown(storedKey(row))),
      ...(last === undefined ? {} : { cursor: cursorAfter(last.name as string) }),
    };
  }

  async function revoke(id: string): Promise<object> {
    const written = await store.write({ key: keyOfRow(id), when: { exists: ['kind'] }, then: { remove: true } });
    cache.forget(id);
    if (!written.ok) throw new DumbwaiterError('key_not_found', `There is no API key ${id}.`);
    return {};
  }

  return { create, list, revoke, find: cache.find };
}

function shown({ id, name, queues, scopes, createdAt }: StoredKey): ApiKey {
  return { id, name, queues, scopes, createdAt };
}

function cursorAfter(id: string): string {
  return Buffer.from(id).toString('base64url');
}

function lastOf(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[0-9a-z]+$/.test(id)) throw new DumbwaiterError('invalid_input', 'cursor: must be one that this list gave');
  return id;
}
