import { beforeEach, describe, expect, it } from 'vitest';
import { generatedKeyChars } from '../../../contract/generated-keys.ts';
import { keyCacheMs, keysCachedMax, keyUseNotedMs, unknownKeyCacheMs } from '../../../contract/limits.ts';
import { createMemoryStore } from '../../../engine/memory/store.ts';
import { type Clock, type Store, StoreError } from '../../../engine/port/port.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { createAccessKeys, keyIdOfAccessKey, secretAccessKeys } from '../../../functions/auth/access-keys.ts';
import { type AdminKey, fixedAdminKey } from '../../../functions/auth/admin-key.ts';
import { createKeys, type Keys } from '../../../functions/auth/api-keys.ts';
import { type Authenticate, createAuthenticate } from '../../../functions/auth/authenticate.ts';
import { administrator } from '../../../functions/auth/authorize.ts';
import { keyOfRow } from '../../../functions/auth/key-rows.ts';

let now: number;
let reads: number;
let store: Store;
const clock: Clock = { now: () => now, trusted: () => true, sleep: () => Promise.reject(new Error('Nobody sleeps here.')) };

/** One of several processes on the same store. */
function startProcess(adminKey: AdminKey = fixedAdminKey('the admin key')): { keys: Keys; authenticate: Authenticate } {
  const counted: Store = {
    ...store,
    get(keys) {
      reads += 1;
      return store.get(keys);
    },
  };
  const keys = createKeys({ store: counted, clock, random: seededRandom(reads + 1) });
  return { keys, authenticate: createAuthenticate({ keys, adminKey }) };
}

beforeEach(() => {
  now = Date.parse('2026-01-31T12:00:00.000Z');
  reads = 0;
  store = createMemoryStore();
});

const worker = { name: 'worker', queues: ['orders-*'], scopes: ['publish' as const] };

describe('a key', () => {
  it('a key is valid in every process for what it was created for', async () => {
    const { key, lastUsedAt: _, ...shown } = await startProcess().keys.create(worker, administrator('admin'));
    const principal = await startProcess().authenticate(`Bearer ${key}`);
    expect(principal).toMatchObject(shown);
  });

  it('a use that another process notes does not bring back what a changed key could do before', async () => {
    const text = 'k'.repeat(generatedKeyChars);
    const [one, other] = [startProcess(), startProcess()];
    const id = await one.keys.register(text, { ...worker, queues: ['*'] });
    const known = await other.keys.find(id!);
    now += 1;
    await one.keys.register(text, worker);
    await other.keys.noteUse(known!);
    expect((await one.keys.list({})).keys).toMatchObject([{ queues: worker.queues, lastUsedAt: null }]);
    await one.authenticate(`Bearer ${text}`);
    expect((await one.keys.list({})).keys).toMatchObject([{ lastUsedAt: new Date(now).toISOString() }]);
  });

  it('a key is stored as a hash, without any part of its secret', async () => {
    const memory = createMemoryStore();
    store = memory;
    const { key, id } = await startProcess().keys.create(worker, administrator('admin'));
    const rows = JSON.stringify(memory.rows('queues'));
    expect(rows).toContain(id);
    expect(rows).not.toContain(key.slice(`dw_${id}_`.length));
  });

  it('an access key belongs to its API key, and its secret is the same in every process, but stored nowhere', async () => {
    const memory = createMemoryStore();
    store = memory;
    const accessKeys = createAccessKeys(async () => 'the master secret');
    const keys = createKeys({ store, clock, random: seededRandom(1), accessKeys });
    const { key, secretAccessKey, ...shown } = await keys.create({ ...worker, accessKey: true }, administrator('admin'));
    expect(shown.accessKeyId).toMatch(/^DWAK[0-9A-Z]{12}$/);
    expect(secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
    expect((await keys.list({})).keys).toEqual([shown]);
    const elsewhere = createKeys({ store, clock, random: seededRandom(2), accessKeys });
    const found = (await elsewhere.find(keyIdOfAccessKey(shown.accessKeyId!)!))!;
    expect(await elsewhere.pairOf(found)).toEqual({ accessKeyId: shown.accessKeyId, secretAccessKey });
    expect(JSON.stringify(memory.rows('queues'))).not.toContain(secretAccessKey);
    // Noting the use puts the whole row.
    await elsewhere.noteUse(found);
    expect(await createKeys({ store, clock, random: seededRandom(3), accessKeys }).find(found.id)).toMatchObject({
      accessKey: true,
    });
  });

  it('another master secret makes another secret of the same access key', async () => {
    const secretBy = async (master: string) =>
      (await createAccessKeys(async () => master).pairOf('7m2k9q4t1x8v')).secretAccessKey;
    expect(await secretBy('one')).not.toBe(await secretBy('other'));
  });

  it('a server without a master secret refuses to issue an access key, and creates no key', async () => {
    const { keys } = startProcess();
    await expect(keys.create({ ...worker, accessKey: true }, administrator('admin'))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('accessKey'),
    });
    expect(await keys.list({})).toEqual({ keys: [] });
  });

  it('a master secret is read once, again after a failure, and again after a while, so that another one takes effect', async () => {
    let reads = 0;
    const accessKeys = secretAccessKeys(async () => {
      if (reads++ === 0) throw new Error('no answer');
      return `master secret ${reads}`;
    }, clock);
    const id = '7m2k9q4t1x8v';
    await expect(accessKeys.pairOf(id)).rejects.toMatchObject({ code: 'unavailable' });
    const first = await accessKeys.pairOf(id);
    expect(first).toMatchObject({ accessKeyId: 'DWAK7M2K9Q4T1X8V' });
    now += keyCacheMs - 1;
    expect(await accessKeys.pairOf(id)).toEqual(first);
    expect(reads).toBe(2);
    now += 1;
    expect((await accessKeys.pairOf(id)).secretAccessKey).not.toBe(first.secretAccessKey);
    expect(reads).toBe(3);
  });

  it('a key is read from the store once and then cached for a while', async () => {
    const { keys, authenticate } = startProcess();
    const { key } = await keys.create(worker, administrator('admin'));
    await Promise.all([authenticate(`Bearer ${key}`), authenticate(`Bearer ${key}`)]);
    now += keyCacheMs - 1;
    await authenticate(`Bearer ${key}`);
    expect(reads).toBe(1);
    now += 1;
    await authenticate(`Bearer ${key}`);
    expect(reads).toBe(2);
  });

  it('a revoked key is refused at once in the same process, and elsewhere after its time in the cache', async () => {
    const here = startProcess();
    const elsewhere = startProcess();
    const { key, id } = await here.keys.create(worker, administrator('admin'));
    await Promise.all([here.authenticate(`Bearer ${key}`), elsewhere.authenticate(`Bearer ${key}`)]);
    await here.keys.revoke(id);
    await expect(here.authenticate(`Bearer ${key}`)).rejects.toMatchObject({ code: 'unauthorized' });
    now += keyCacheMs - 1;
    await elsewhere.authenticate(`Bearer ${key}`);
    now += 1;
    await expect(elsewhere.authenticate(`Bearer ${key}`)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('a key that was cached before the clock was set back is read again', async () => {
    const here = startProcess();
    const elsewhere = startProcess();
    const { key, id } = await here.keys.create(worker, administrator('admin'));
    await elsewhere.authenticate(`Bearer ${key}`);
    await here.keys.revoke(id);
    now -= 365 * 24 * 60 * 60_000;
    await expect(elsewhere.authenticate(`Bearer ${key}`)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('a key is refused from its expiry on, even from the cache', async () => {
    const { keys, authenticate } = startProcess();
    const expiresAt = new Date(now + 1000).toISOString();
    const { key } = await keys.create({ ...worker, expiresAt }, administrator('admin'));
    now += 999;
    expect(await authenticate(`Bearer ${key}`)).toMatchObject({ expiresAt });
    now += 1;
    const refusal = { code: 'unauthorized', message: `The API key expired at ${expiresAt}.` };
    await expect(authenticate(`Bearer ${key}`)).rejects.toMatchObject(refusal);
    await expect(startProcess().authenticate(`Bearer ${key}`)).rejects.toMatchObject(refusal);
    expect((await keys.list({})).keys).toMatchObject([{ expiresAt }]);
  });

  it('a key with an expiry must expire in the future', async () => {
    const { keys } = startProcess();
    const past = new Date(now).toISOString();
    const making = keys.create({ ...worker, expiresAt: past }, administrator('admin'));
    await expect(making).rejects.toMatchObject({
      code: 'invalid_input',
      message: `expiresAt: must be in the future; given ${past}`,
    });
    const offset = await keys.create({ ...worker, expiresAt: '2027-01-31T01:00:00+01:00' }, administrator('admin'));
    expect(offset.expiresAt).toBe('2027-01-31T00:00:00.000Z');
    expect((await keys.list({})).keys).toHaveLength(1);
  });

  it('a key that expires creates no key that outlives it', async () => {
    const { keys, authenticate } = startProcess();
    const inDays = (days: number) => new Date(now + days * 24 * 60 * 60_000).toISOString();
    const admin = { name: 'ops', queues: ['*'], scopes: ['admin' as const], expiresAt: inDays(2) };
    const { key } = await keys.create(admin, administrator('admin'));
    const creator = await authenticate(`Bearer ${key}`);
    const { expiresAt: _, ...unlimited } = admin;
    for (const input of [unlimited, { ...admin, expiresAt: inDays(3) }]) {
      await expect(keys.create(input, creator)).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining(inDays(2)),
      });
    }
    await keys.create({ ...admin, expiresAt: inDays(1) }, creator);
  });

  it('a key records its latest use to the hour, with one write an hour', async () => {
    const memory = createMemoryStore();
    let writes = 0;
    store = {
      ...memory,
      write(...all) {
        writes += 1;
        return memory.write(...all);
      },
    };
    const { keys, authenticate } = startProcess();
    const { key } = await keys.create(worker, administrator('admin'));
    const lastUse = async () => (await keys.list({})).keys[0]!.lastUsedAt;
    expect(await lastUse()).toBeNull();
    await expect(authenticate(`Bearer ${key.slice(0, -1)}!`)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(await lastUse()).toBeNull();
    writes = 0;
    const first = new Date(now).toISOString();
    await Promise.all(Array.from({ length: 5 }, () => authenticate(`Bearer ${key}`)));
    now += keyUseNotedMs - 1;
    await authenticate(`Bearer ${key}`);
    await startProcess().authenticate(`Bearer ${key}`);
    expect(await lastUse()).toBe(first);
    expect(writes).toBe(1);
    now += 1;
    await authenticate(`Bearer ${key}`);
    expect(await lastUse()).toBe(new Date(now).toISOString());
    expect(writes).toBe(2);
  });

  it('a process that records the use of a revoked key does not store the key again', async () => {
    const here = startProcess();
    const elsewhere = startProcess();
    const { key, id } = await here.keys.create(worker, administrator('admin'));
    await elsewhere.authenticate(`Bearer ${key}`);
    await here.keys.revoke(id);
    const stale = await elsewhere.keys.find(id);
    now += keyUseNotedMs;
    await elsewhere.keys.noteUse(stale!);
    expect((await here.keys.list({})).keys).toEqual([]);
  });

  it('a key is valid even if its use cannot be recorded', async () => {
    const { key } = await startProcess().keys.create(worker, administrator('admin'));
    store = { ...store, write: () => Promise.reject(new StoreError('busy', 'no', undefined, 'throttled')) };
    await startProcess().authenticate(`Bearer ${key}`);
  });

  it('a second revocation of a key is refused', async () => {
    const { keys } = startProcess();
    const { id } = await keys.create(worker, administrator('admin'));
    await keys.revoke(id);
    await expect(keys.revoke(id)).rejects.toMatchObject({ code: 'key_not_found' });
  });

  it('a known key id with another secret is refused', async () => {
    const { keys, authenticate } = startProcess();
    const { key } = await keys.create(worker, administrator('admin'));
    const wrong = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0');
    await expect(authenticate(`Bearer ${wrong}`)).rejects.toMatchObject({ code: 'unauthorized' });
    await authenticate(`Bearer ${key}`);
  });

  it('a key grants no scope that its creator lacks', async () => {
    const { keys } = startProcess();
    const creator = { id: 'k', scopes: ['admin' as const], queues: ['*'], topics: ['*'] };
    await expect(keys.create({ ...worker, scopes: ['admin', 'publish'] }, creator)).rejects.toMatchObject({ code: 'forbidden' });
    await keys.create({ ...worker, scopes: ['admin'] }, creator);
    expect((await keys.list({})).keys).toHaveLength(1);
  });

  it('a key covers the topics that its creator names, or by default all if it covers all queues, otherwise none', async () => {
    const { keys, authenticate } = startProcess();
    const topicsOf = async (input: { queues: string[]; topics?: string[] }) => {
      const { key } = await keys.create({ ...worker, ...input }, administrator('admin'));
      return (await authenticate(`Bearer ${key}`)).topics;
    };
    expect(await topicsOf({ queues: ['a', 'orders'] })).toEqual([]);
    expect(await topicsOf({ queues: ['a', '*'] })).toEqual(['*']);
    expect(await topicsOf({ queues: ['*'], topics: [] })).toEqual([]);
    expect(await topicsOf({ queues: [], topics: ['order-*'] })).toEqual(['order-*']);
  });

  it.each([
    [['*'], ['*']],
    [['orders-*'], []],
  ])('a key for the queues %j that was stored without topics covers the topics %j', async (queues, topics) => {
    const memory = createMemoryStore();
    store = memory;
    const { key } = await startProcess().keys.create({ ...worker, queues }, administrator('admin'));
    const { topics: _, ...row } = memory.rows('queues')[0]!;
    await memory.write({ key: keyOfRow(row.name as string), then: { put: row } });
    expect((await startProcess().authenticate(`Bearer ${key}`)).topics).toEqual(topics);
  });

  it('each key is listed exactly once across the pages', async () => {
    const { keys } = startProcess();
    const made = new Set<string>();
    for (let i = 0; i < 7; i++) made.add((await keys.create(worker, administrator('admin'))).id);
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await keys.list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.keys.length).toBeLessThanOrEqual(3);
      listed.push(...page.keys.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(listed.length).toBe(made.size);
    expect(new Set(listed)).toEqual(made);
  });
});

describe('a key that does not exist', () => {
  const unknown = (i: number) => `dw_${String(i).padStart(12, '0')}_${'0'.repeat(32)}`;

  it('an unknown key is looked up once in a while, however often it is tried', async () => {
    const { authenticate } = startProcess();
    const attempt = () => expect(authenticate(`Bearer ${unknown(1)}`)).rejects.toMatchObject({ code: 'unauthorized' });
    for (let i = 0; i < 5; i++) await attempt();
    expect(reads).toBe(1);
    now += unknownKeyCacheMs;
    await attempt();
    expect(reads).toBe(2);
  });

  it('a text without the form of a key is not looked up', async () => {
    const { authenticate } = startProcess();
    for (const header of ['Bearer x', 'Bearer dw_x_y', `Bearer ${unknown(1)}0`, 'Basic eDp5', 'Bearer', '', undefined]) {
      await expect(authenticate(header)).rejects.toMatchObject({ code: 'unauthorized' });
    }
    expect(reads).toBe(0);
  });

  it('thousands of unknown keys do not evict a real key from the cache', async () => {
    const { keys, authenticate } = startProcess();
    const { key } = await keys.create(worker, administrator('admin'));
    await authenticate(`Bearer ${key}`);
    for (let i = 0; i < keysCachedMax + 1; i++) await authenticate(`Bearer ${unknown(i)}`).catch(() => undefined);
    const readsBefore = reads;
    await authenticate(`Bearer ${key}`);
    expect(reads).toBe(readsBefore);
    await authenticate(`Bearer ${unknown(0)}`).catch(() => undefined);
    expect(reads).toBe(readsBefore + 1);
  });
});

describe('the admin key', () => {
  it('the admin key may do everything, whatever its form', async () => {
    for (const text of ['p', 'dw_000000000000_00000000000000000000000000000000', 'ümlaut-and-all']) {
      const { authenticate } = startProcess(fixedAdminKey(text));
      expect(await authenticate(`Bearer ${text}`)).toEqual(administrator('admin'));
      expect(await authenticate(`bearer   ${text}`)).toEqual(administrator('admin'));
      await expect(authenticate(`Bearer ${text}x`)).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });

  it('a missing or empty admin key matches nothing', async () => {
    for (const text of [undefined, '']) {
      const { authenticate } = startProcess(fixedAdminKey(text));
      for (const header of ['Bearer ', 'Bearer undefined', 'Bearer null', 'Bearer']) {
        await expect(authenticate(header)).rejects.toMatchObject({ code: 'unauthorized' });
      }
    }
  });

  it('an admin key that cannot be read does not affect other keys', async () => {
    const broken: AdminKey = { read: () => Promise.reject(new Error('no secrets today')) };
    const { keys, authenticate } = startProcess(broken);
    const { key } = await keys.create(worker, administrator('admin'));
    expect((await authenticate(`Bearer ${key}`)).id).not.toBe('admin');
    await expect(authenticate('Bearer other')).rejects.toThrow('no secrets today');
  });
});
