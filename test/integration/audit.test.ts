/** The audit: which key changed what lately. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditedOperations } from '../../contract/audit.ts';
import type { AuditInput, OperationName } from '../../contract/contract.ts';
import { auditKeptSeconds } from '../../contract/limits.ts';
import { routes } from '../../contract/routes.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { startLocal } from '../../functions/local/server.ts';
import { auditKinds, createAudit } from '../../functions/service/audit.ts';
import { auditKinds as permittedKinds } from '../../infra/table-access.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { adminKey, expectProblem, httpCalls, type LocalQueue, loggedDefects } from '../support/local-queue.ts';

describe('of a server', () => {
  let queue: LocalQueue;
  beforeAll(async () => {
    const { log, defects } = loggedDefects();
    const server = await startLocal({ data: 'memory', log, adminKey, sqsAnonymous: true });
    queue = { server, defects, http: httpCalls(server.url, adminKey) };
  });
  afterAll(async () => {
    await queue.server.close();
    expect(queue.defects).toEqual([]);
  });

  const entriesOf = async (input: AuditInput = {}) => (await queue.http.call('listAudit', {}, input)).entries;

  it('a change is recorded with the key that made it and without the texts that it sent', async () => {
    const created = await queue.http.call('createKey', {}, { name: 'on call', queues: ['*'], scopes: ['publish', 'admin'] });
    const { call } = queue.http.as(created.key);
    const of = { queue: 'orders' };
    await call('createQueue', of, { visibilityTimeoutSeconds: 60, backoff: { minSeconds: 2 } });
    await call('createQueue', of, { visibilityTimeoutSeconds: 60, backoff: { minSeconds: 2 } });
    await call('publish', of, { messages: [{ id: 'one', body: 'a secret' }] });
    await call('updateMessage', { ...of, id: 'one' }, { content: { body: 'another secret' } });
    await call('cancelMessage', { ...of, id: 'one' }, { force: true });
    await call('updateQueue', of, { paused: true });
    const entries = await entriesOf({ queue: 'orders' });
    const key = { id: created.id, name: 'on call' };
    expect(entries.map(({ at: _, ...entry }) => entry)).toEqual([
      { operation: 'updateQueue', key, params: of, input: { paused: true } },
      { operation: 'cancelMessage', key, params: { ...of, id: 'one' }, input: { force: true } },
      { operation: 'updateMessage', key, params: { ...of, id: 'one' }, input: { content: '…' } },
      { operation: 'createQueue', key, params: of, input: { visibilityTimeoutSeconds: 60, backoff: '…' } },
    ]);
    expect(await entriesOf({ key: 'admin' })).toMatchObject([
      {
        operation: 'createKey',
        key: { id: 'admin' },
        params: { id: created.id },
        input: { name: '…', scopes: 'publish, admin' },
      },
    ]);
  });

  it('a call that was refused is not recorded', async () => {
    const before = (await entriesOf()).length;
    await expectProblem(await queue.http.send('DELETE', '/v1/queues/missing'), 404, 'queue_not_found');
    expect(await entriesOf()).toHaveLength(before);
  });

  it('a change by a call of SQS is recorded', async () => {
    const headers = { 'x-amz-target': 'AmazonSQS.CreateQueue', 'content-type': 'application/x-amz-json-1.0' };
    const response = await fetch(queue.server.url, { method: 'POST', headers, body: '{"QueueName":"by-sqs"}' });
    expect(response.status).toBe(200);
    expect(await entriesOf({ queue: 'by-sqs' })).toMatchObject([{ operation: 'createQueue', key: { id: 'admin' } }]);
  });

  it('only an admin key for all queues and topics reads the audit', async () => {
    const keys = [
      { name: 'publishes', queues: ['*'], scopes: ['publish' as const] },
      { name: 'one queue', queues: ['orders'], scopes: ['admin' as const] },
      { name: 'no topics', queues: ['*'], topics: ['t'], scopes: ['admin' as const] },
    ];
    for (const input of keys) {
      const { key } = await queue.http.call('createKey', {}, input);
      await expectProblem(await queue.http.as(key).send('GET', '/v1/audit'), 403, 'forbidden');
    }
  });
});

/** An audit whose calls go on for `seconds`, one each second, of two queues in turn. */
async function audited(seconds: number, store: Store = createMemoryStore()) {
  const clock = createDrivenClock();
  const failures: unknown[] = [];
  const audit = createAudit({ store, clock, random: seededRandom(1), onError: (error) => failures.push(error) });
  const note = (call: number, endsAt?: number) =>
    audit.recorded(
      {
        operation: 'cancelMessage',
        params: { queue: call % 2 === 0 ? 'even' : 'odd', id: String(call) },
        input: {},
        principal: { id: call % 3 === 0 ? 'third' : 'iam', scopes: [], queues: [], topics: [] },
        endsAt,
      },
      async () => ({}),
    );
  for (let call = 0; call < seconds; call++) {
    clock.advance(1_000);
    await note(call);
  }
  const all = async (input: AuditInput) => {
    const found: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await audit.list({ ...input, ...(cursor !== undefined && { cursor }) });
      found.push(page.entries.map(({ params }) => params.id!));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  };
  return { audit, clock, note, all, failures };
}

const down = (from: number, to: number, isWanted = (_: number) => true) =>
  Array.from({ length: from - to + 1 }, (_, index) => from - index)
    .filter(isWanted)
    .map(String);

it('pages of the audit go from the newest call to the oldest, and leave none out', async () => {
  const { all } = await audited(350);
  const pages = await all({ limit: 100 });
  expect(pages.map((page) => page.length)).toEqual([100, 100, 100, 50]);
  expect(pages.flat()).toEqual(down(349, 0));
});

it('filters of the audit select calls by queue, key and time', async () => {
  const { all, clock } = await audited(700);
  expect((await all({ queue: 'odd', limit: 7 })).flat()).toEqual(down(699, 0, (call) => call % 2 === 1));
  expect((await all({ key: 'third', queue: 'even' })).flat()).toEqual(down(699, 0, (call) => call % 6 === 0));
  const secondsAgo = (seconds: number) => new Date(clock.now() - seconds * 1_000).toISOString();
  expect((await all({ from: secondsAgo(9), until: secondsAgo(5) })).flat()).toEqual(down(693, 690));
  expect(await all({ queue: 'neither' })).toEqual([[]]);
});

it('the audit lists no call that is as late as `until`, whatever the instant and the cursor', async () => {
  const { audit, all, clock } = await audited(10);
  expect((await all({ until: '1960-01-01T00:00:00Z' })).flat()).toEqual([]);
  const { cursor } = await audit.list({ limit: 1 });
  const until = new Date(clock.now() - 5_000).toISOString();
  expect((await audit.list({ until, cursor: cursor! })).entries.map(({ params }) => params.id)).toEqual(down(3, 0));
});

it('a page with a filter that nothing matches ends after a bounded number of entries, with a cursor', async () => {
  const { audit } = await audited(2_500);
  const page = await audit.list({ queue: 'neither' });
  expect(page).toEqual({ entries: [], cursor: expect.any(String) });
});

it('the audit lists no call that is older than 30 days', async () => {
  const { all, clock } = await audited(10);
  clock.advance((auditKeptSeconds - 5) * 1_000);
  expect((await all({})).flat()).toEqual(down(9, 4));
});

it('a cursor that is none of the audit is refused', async () => {
  const { audit } = await audited(0);
  await expect(audit.list({ cursor: 'abc' })).rejects.toMatchObject({ code: 'invalid_input' });
});

it('a call whose note cannot be written succeeds, and the failure is reported', async () => {
  const failure = new StoreError('no room', 'no');
  const { note, failures } = await audited(0, { ...createMemoryStore(), write: () => Promise.reject(failure) });
  expect(await note(1)).toEqual({});
  expect(failures).toEqual([failure]);
});

it('a call waits for its note until the end of its time, and no longer', async () => {
  const { note, clock } = await audited(0, { ...createMemoryStore(), write: () => new Promise(() => {}) });
  expect(await note(1, clock.now() + 10)).toEqual({});
});

it('every operation that changes something is recorded, except those on messages that programs make all the time', () => {
  const changes = (Object.keys(routes) as OperationName[]).filter((operation) => routes[operation].method !== 'GET');
  expect(changes.filter((operation) => !(auditedOperations as readonly string[]).includes(operation)).sort()).toEqual([
    'ack',
    'ackItems',
    'commitMessage',
    'commitPublication',
    'extend',
    'publish',
    'publishItems',
    'publishToTopic',
    'receive',
    'release',
    'rollbackMessage',
    'rollbackPublication',
    'testSubscription',
    'topicPublishItems',
  ]);
});

it('the functions of a deployment may write to the partitions of the audit', () => {
  expect(permittedKinds).toEqual(auditKinds);
});
