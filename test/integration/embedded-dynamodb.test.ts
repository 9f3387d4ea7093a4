import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDynamoClient } from '../../engine/dynamo/client.ts';
import { accessFromSdk, createSdkClient } from '../../engine/dynamo/sdk-client.ts';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import { createTables } from '../../engine/dynamo/tables.ts';
import type { Key } from '../../engine/port/port.ts';
import { type EmbeddedDynamodb, enginePath, startEmbeddedDynamodb } from '../../functions/local/embedded-dynamodb.ts';
import { testCredentials, testRegion } from '../support/dynamodb.ts';

const tables = { messages: 'messages', leases: 'leases', queues: 'queues' };
const key: Key = { table: 'leases', id: 'x' };
const goneMsMax = 5_000;
const pollMs = 20;

describe('the embedded engine', () => {
  let folder: string;
  const running: EmbeddedDynamodb[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-'));
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((engine) => engine.stop()));
    await rm(folder, { recursive: true });
  });

  async function start(options?: Parameters<typeof startEmbeddedDynamodb>[0]): Promise<EmbeddedDynamodb> {
    const engine = await startEmbeddedDynamodb(options);
    running.push(engine);
    return engine;
  }

  async function withStore<Answer>(endpoint: string, use: (store: ReturnType<typeof createDynamoStore>) => Promise<Answer>) {
    const sdk = createSdkClient({ endpoint, region: testRegion, credentials: testCredentials });
    await createTables(sdk, tables);
    try {
      return await use(createDynamoStore({ client: createDynamoClient(accessFromSdk(sdk)), tables }));
    } finally {
      sdk.destroy();
    }
  }

  it('the embedded engine keeps rows in its file over a stop and a start', async () => {
    const databaseFile = join(folder, 'data', 'queue.db');
    const first = await start({ databaseFile });
    await withStore(first.endpoint, (store) => store.write({ key, then: { put: { id: 'x', n: 1 } } }));
    await first.stop();
    const second = await start({ databaseFile });
    expect(await withStore(second.endpoint, (store) => store.get([key]))).toEqual([{ id: 'x', n: 1 }]);
  });

  it('two embedded engines run side by side, each with a port and rows of its own', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.endpoint).not.toBe(two.endpoint);
    await withStore(one.endpoint, (store) => store.write({ key, then: { put: { id: 'x' } } }));
    expect(await withStore(two.endpoint, (store) => store.get([key]))).toEqual([undefined]);
  });

  it('the embedded engine names a port that is taken', async () => {
    const { port } = new URL((await start()).endpoint);
    const error = await start({ port: Number(port) }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: 'PortTakenError', message: expect.stringContaining(`Port ${port} cannot be taken`) });
  });

  it('the embedded engine names a folder that cannot be written', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const error = await start({ databaseFile: join(file, 'queue.db') }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: 'FolderNotWritableError', message: expect.stringContaining(file) });
  });

  it('the embedded engine reports in one line that a file is no database', async () => {
    const databaseFile = join(folder, 'queue.db');
    await writeFile(databaseFile, 'something else altogether, of some length');
    const error = (await start({ databaseFile }).catch((failure: unknown) => failure)) as Error;
    expect(error.name).toBe('EmbeddedDynamodbError');
    expect(error.message).not.toContain('\n');
  });

  it('the embedded engine says what to do on a platform without it', () => {
    expect(() => enginePath('plan9', 'mips')).toThrow(/plan9 mips.*npm install.*AWS_ENDPOINT_URL_DYNAMODB/);
  });

  it('the embedded engine reports an unexpected end', async () => {
    const engine = await start();
    await engine.stop();
    await expect(engine.ended).resolves.toEqual(expect.any(String));
    await expect(fetch(engine.endpoint)).rejects.toThrow();
  });

  it('the embedded engine ends when the process that started it is killed', async () => {
    const module = new URL('../../functions/local/embedded-dynamodb.ts', import.meta.url).href;
    const script = `const { startEmbeddedDynamodb } = await import('${module}');
      console.log((await startEmbeddedDynamodb()).endpoint);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const endpoint = String(line).trim();
    await expect(fetch(endpoint, { method: 'POST', body: '{}' })).resolves.toBeInstanceOf(Response);
    parent.kill('SIGKILL');
    const deadline = Date.now() + goneMsMax;
    while (
      await fetch(endpoint, { method: 'POST', body: '{}' }).then(
        () => true,
        () => false,
      )
    ) {
      expect(Date.now()).toBeLessThan(deadline);
      await delay(pollMs);
    }
  });
});
