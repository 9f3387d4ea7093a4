/** Creates, lists, revokes and finds API keys. The text of a key is shown only once, when the key is created. */

import type { ApiKey, InputOf, OutputOf, Page } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { keyUseNotedMs, pageEntriesDefault } from '../../contract/limits.ts';
import { includesScope } from '../../contract/scopes.ts';
import { type Clock, type Condition, ignoreStoreError, type Random, type Store } from '../../engine/port/port.ts';
import { type AccessKeyPair, type AccessKeys, accessKeyIdOf, createAccessKeys } from './access-keys.ts';
import type { Principal } from './authorize.ts';
import { createKeyCache } from './key-cache.ts';
import { keyHash, keyIdOf, keyKind, keyOfRow, newKeyText, rowOf, type StoredKey, storedKey, topicsDefault } from './key-rows.ts';

export interface Keys {
  /** Throws `forbidden` if the new key would have a scope that its creator lacks, or would outlive its creator's key. */
  create(input: InputOf<'createKey'>, creator: Principal): Promise<OutputOf<'createKey'>>;
  /** Stores a key whose text a deployment generated, or changes what it may do. Returns its id; undefined if no key can have the text. */
  register(text: string, terms: InputOf<'createKey'>): Promise<string | undefined>;
  list(page: Page): Promise<OutputOf<'listKeys'>>;
  /** Takes effect in this process at once, in others within `keyCacheMs`. Throws `key_not_found`. */
  revoke(id: string): Promise<object>;
  /** The result may be up to `keyCacheMs` old. */
  find(id: string): Promise<StoredKey | undefined>;
  /** Whether the key has expired. */
  isOver(key: ApiKey): boolean;
  /** The pair by which AWS clients sign for the key; undefined if the key has none. Throws `unavailable`. */
  pairOf(key: StoredKey): Promise<AccessKeyPair | undefined>;
  /** Records that the key was used, at most once per `keyUseNotedMs`. Ignores store errors: they must not fail the call. */
  noteUse(key: StoredKey): Promise<void>;
}

export interface KeysParts {
  store: Store;
  clock: Clock;
  random: Random;
  /** Default: this server issues and verifies no access keys. */
  accessKeys?: AccessKeys;
}

const noAccessKeys = createAccessKeys(async () => undefined);

export function createKeys({ store, clock, random, accessKeys = noAccessKeys }: KeysParts): Keys {
  const cache = createKeyCache(store, clock);

  async function create(input: InputOf<'createKey'>, creator: Principal): Promise<OutputOf<'createKey'>> {
    const missing = input.scopes.find((scope) => !includesScope(creator.scopes, scope));
    if (missing !== undefined)
      throw new DumbwaiterError('forbidden', `A key without the scope ${missing} cannot give it to another.`);
    const now = clock.now();
    const expiresAt = expiryOf(input.expiresAt, creator, now);
    const { id, text } = newKeyText(random);
    const createdAt = new Date(now).toISOString();
    const { topics = topicsDefault(input.queues), accessKey = false } = input;
    const pair = accessKey ? await accessKeys.pairOf(id) : undefined;
    const key = { ...input, topics, id, createdAt, expiresAt, lastUsedAt: null, hash: keyHash(text), accessKey };
    const written = await store.write({ key: keyOfRow(id), when: { absent: ['kind'] }, then: { put: rowOf(key) } });
    if (!written.ok) throw new Error('A new key has the id of another.');
    return { ...shown(key), key: text, ...pair };
  }

  async function register(text: string, terms: InputOf<'createKey'>): Promise<string | undefined> {
    const id = keyIdOf(text);
    if (id === undefined) return undefined;
    const [row] = await store.get([keyOfRow(id)]);
    const changedAt = clock.now();
    const { createdAt = new Date(changedAt).toISOString(), lastUsedAt = null } = row === undefined ? {} : storedKey(row);
    const { name, queues, topics = topicsDefault(queues), scopes } = terms;
    const times = { createdAt, changedAt, lastUsedAt, expiresAt: null };
    const put = rowOf({ id, name, queues, topics, scopes, hash: keyHash(text), accessKey: false, ...times });
    await store.write({ key: keyOfRow(id), then: { put } });
    cache.forget(id);
    return id;
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

  function isOver({ expiresAt }: ApiKey): boolean {
    return expiresAt !== null && Date.parse(expiresAt) <= clock.now();
  }

  async function noteUse(key: StoredKey): Promise<void> {
    const now = clock.now();
    const notedAt = key.lastUsedAt === null ? Number.NEGATIVE_INFINITY : Date.parse(key.lastUsedAt);
    if (Math.abs(now - notedAt) < keyUseNotedMs) return;
    // Update the cached key before the write, so that concurrent calls, and calls after a failed write, do not write again.
    key.lastUsedAt = new Date(now).toISOString();
    // Put the whole row. The condition keeps a revoked key deleted, and a changed one as it is.
    const { changedAt } = key;
    const isSame: Condition = changedAt === undefined ? { absent: ['changedAt'] } : { equals: [['changedAt'], changedAt] };
    const when: Condition = { all: [{ exists: ['kind'] }, isSame] };
    await store.write({ key: keyOfRow(key.id), when, then: { put: rowOf(key) } }).catch(ignoreStoreError);
  }

  return {
    create,
    register,
    list,
    revoke,
    find: cache.find,
    isOver,
    pairOf: async (key) => (key.accessKey ? accessKeys.pairOf(key.id) : undefined),
    noteUse,
  };
}

function shown({ hash: _, changedAt: __, accessKey, ...key }: StoredKey): ApiKey {
  return { ...key, ...(accessKey ? { accessKeyId: accessKeyIdOf(key.id) } : {}) };
}

/** Throws `invalid_input` if the requested expiry is in the past, `forbidden` if it is later than that of the creator's key. */
function expiryOf(asked: string | undefined, creator: Principal, now: number): string | null {
  if (asked !== undefined && Date.parse(asked) <= now) {
    throw invalidInput(`expiresAt: must be in the future; given ${asked}`);
  }
  const last = creator.expiresAt ?? null;
  if (last !== null && (asked === undefined || Date.parse(asked) > Date.parse(last))) {
    throw new DumbwaiterError('forbidden', `expiresAt: must not be later than ${last}, when the key that creates it expires`);
  }
  return asked === undefined ? null : new Date(asked).toISOString();
}

function cursorAfter(id: string): string {
  return Buffer.from(id).toString('base64url');
}

function lastOf(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[0-9a-z]+$/.test(id)) throw invalidInput('cursor: must come from an earlier page of this list');
  return id;
}
