/** What a receive tells its caller is on disk, although its claim is answered before that. The tests hold the disk back. */
import { expect, it } from 'vitest';
import { openDatabase } from '../../engine/sqlite/database.ts';
import { createSqliteStore } from '../../engine/sqlite/store.ts';
import { driveEngine } from '../support/driven-engine.ts';
import { eventually } from '../support/eventually.ts';

const leaseMs = 10_000;

/** A queue `q` with one message, on a disk that can be held back. */
async function begin() {
  const disk = { isHeld: false, syncs: 0, held: [] as (() => void)[] };
  const sync = (done: (error: null) => void) => {
    disk.syncs++;
    if (disk.isHeld) disk.held.push(() => done(null));
    else setImmediate(done, null);
  };
  const { clock, another } = await driveEngine(async ({ now }) => {
    const store = createSqliteStore({ ...openDatabase(), sync }, { now, keepsUp: false });
    return { store, rows: async (table) => store.rows(table) };
  });
  const { call } = another();
  const queue = { queue: 'q' };
  await call('createQueue', queue, { visibilityTimeoutSeconds: leaseMs / 1000, backoff: null });
  await call('publish', queue, { messages: [{ body: 'body' }] });
  return { clock, disk, receive: async () => (await call('receive', queue, {})).messages };
}

/** Notes when the call is answered. */
function noted<T>(call: Promise<T>) {
  const state = { isAnswered: false, call };
  call.finally(() => {
    state.isAnswered = true;
  });
  return state;
}

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Expects a receive of one message to be answered only after the disk has what it waits for. */
async function expectToWait(disk: { held: (() => void)[] }, call: Promise<unknown[]>): Promise<void> {
  const receiving = noted(call);
  await eventually(() => disk.held.length > 0);
  await turns();
  expect(receiving.isAnswered).toBe(false);
  disk.held.shift()!();
  expect(await receiving.call).toHaveLength(1);
}

it('a receive of a new message waits for the disk once, for its lease and its removal together', async () => {
  const { receive, disk } = await begin();
  disk.isHeld = true;
  disk.syncs = 0;
  await expectToWait(disk, receive());
  expect(disk.syncs).toBe(1);
});

it('a receive of a message whose lease has expired waits until the disk has the new lease', async () => {
  const { receive, clock, disk } = await begin();
  expect(await receive()).toHaveLength(1);
  clock.advance(leaseMs);
  disk.isHeld = true;
  await expectToWait(disk, receive());
});
