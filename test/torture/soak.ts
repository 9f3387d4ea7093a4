/**
 * `npm run soak`: many messages through the local server. Prints the memory of the server and the engine during the run, and the rows of
 * the tables at its end, when only tombstones, offloaded chunks with a TTL and settings should remain.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { PublishEntry, Transport } from '../../contract/contract.ts';
import { batchEntriesMax } from '../../contract/limits.ts';
import { createSdkClient } from '../../engine/dynamo/sdk-client.ts';
import type { Row } from '../../engine/port/port.ts';
import { startEmbeddedDynamodb } from '../../functions/local/embedded-dynamodb.ts';
import { httpTransport } from '../../sdk/transports/http.ts';
import { bodyOf } from '../simulation/plan/bodies.ts';
import { residueOf } from '../simulation/report/residue.ts';
import { scanRows, testCredentials, testRegion } from '../support/dynamodb.ts';
import { engineOf, startProgram } from '../support/local-program.ts';

const queue = 'soak';
const apiKey = 'the-key-of-the-soak';
const publishers = 4;
const consumers = 8;
/** Publishers wait while this many messages are in flight. */
const waitingMax = 20_000;
const visibilityTimeoutSeconds = 300;
const samples = 20;
/** How much the server may grow after a quarter of the messages, as a share: caches fill, and heaps vary. */
const growthMax = 1.5;
/** More than fits into a row. */
const besideChars = 3_000;
const pauseMs = 20;
const tables = { messages: 'dumbwaiter-messages', leases: 'dumbwaiter-leases', queues: 'dumbwaiter-queues' };

interface Progress {
  total: number;
  published: number;
  acked: number;
  /** How often each message was acked, by its number. */
  acks: Uint8Array;
}

/** Of each hundred messages, some are delayed, some have own ids, and some have offloaded bodies. */
function entryOf(number: number): PublishEntry {
  switch (number % 100) {
    case 7:
      return { body: bodyOf(number, 1), delaySeconds: 1 };
    case 13:
      return { body: bodyOf(number, 1), id: `own-${number}` };
    case 21:
      return { body: bodyOf(number, besideChars) };
    default:
      return { body: bodyOf(number, 1) };
  }
}

async function publishAll(http: Transport, progress: Progress): Promise<void> {
  while (progress.published < progress.total) {
    if (progress.published - progress.acked > waitingMax) {
      await delay(pauseMs);
      continue;
    }
    const first = progress.published;
    progress.published = Math.min(progress.total, first + batchEntriesMax);
    const messages = Array.from({ length: progress.published - first }, (_, index) => entryOf(first + index));
    const { results } = await http.call('publish', { queue }, { messages });
    const refused = results.find(({ ok }) => !ok);
    if (refused) throw new Error(JSON.stringify(refused));
  }
}

async function consumeAll(http: Transport, progress: Progress): Promise<void> {
  while (progress.acked < progress.total) {
    const { messages } = await http.call('receive', { queue }, { max: batchEntriesMax, waitSeconds: 1 });
    // One in two hundred is released first.
    const back = messages.filter(({ body, receives }) => receives === 1 && numberOf(body) % 200 === 3);
    const done = messages.filter((message) => !back.includes(message));
    const receipts = (of: typeof messages) => of.map(({ receipt }) => receipt);
    if (back.length > 0) await http.call('release', { queue }, { receipts: receipts(back), failed: 'soaking' });
    if (done.length === 0) continue;
    const { results } = await http.call('ack', { queue }, { receipts: receipts(done) });
    const refused = results.find(({ ok }) => !ok);
    if (refused) throw new Error(JSON.stringify(refused));
    for (const { body } of done) progress.acks[numberOf(body)]!++;
    progress.acked += done.length;
  }
}

const numberOf = (body: unknown) => (body as { number: number }).number;

/** Resident memory, MB: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}

async function rowsOf(endpoint: string): Promise<Record<keyof typeof tables, Row[]>> {
  const sdk = createSdkClient({ endpoint, region: testRegion, credentials: testCredentials });
  const rows: Record<keyof typeof tables, Row[]> = { messages: [], leases: [], queues: [] };
  for (const [kind, name] of Object.entries(tables) as [keyof typeof tables, string][]) {
    rows[kind] = await scanRows(sdk, name);
  }
  sdk.destroy();
  return rows;
}

async function soak(total: number, folder: string): Promise<string[]> {
  const databaseFile = join(folder, 'dynamodb.sqlite');
  const engine = await startEmbeddedDynamodb({ databaseFile });
  const server = startProgram([], { DUMBWAITER_API_KEY: apiKey, AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint });
  const failures: string[] = [];
  try {
    const http = httpTransport({ url: (await server.listening).url, apiKey });
    await http.call('createQueue', { queue }, { visibilityTimeoutSeconds });
    const progress: Progress = { total, published: 0, acked: 0, acks: new Uint8Array(total) };
    const serverMb: number[] = [];
    const startedAt = Date.now();
    const watching = (async () => {
      const enginePid = await engineOf(databaseFile);
      for (let sample = 1; sample <= samples; sample++) {
        while (progress.acked < (total * sample) / samples) await delay(pauseMs);
        serverMb.push(await residentMb(server.process.pid!));
        const seconds = (Date.now() - startedAt) / 1000;
        console.log(
          `${progress.acked} acked, ${Math.round(progress.acked / seconds)}/s: ` +
            `server ${serverMb.at(-1)} MB, engine ${await residentMb(enginePid!)} MB`,
        );
      }
    })();
    await Promise.all([
      watching,
      ...Array.from({ length: publishers }, () => publishAll(http, progress)),
      ...Array.from({ length: consumers }, () => consumeAll(http, progress)),
    ]);

    const odd = progress.acks.reduce((count, acks) => count + (acks === 1 ? 0 : 1), 0);
    if (odd > 0) failures.push(`${odd} messages were not acked exactly once`);
    const { counts } = await http.call('getQueue', { queue }, {});
    if (counts.ready + counts.delayed + counts.leased + counts.dead > 0) failures.push(`left: ${JSON.stringify(counts)}`);
    const early = Math.max(...serverMb.slice(0, samples / 4));
    const late = Math.max(...serverMb.slice(-samples / 4));
    if (late > early * growthMax) failures.push(`the server grew from ${early} MB to ${late} MB`);

    const rows = await rowsOf(engine.endpoint);
    console.log(
      `Left: ${rows.leases.length} tombstones, ${rows.messages.length} chunks of bodies, ${rows.queues.length} settings and keys; ` +
        `database ${Math.round((await stat(databaseFile)).size / 1024 / 1024)} MB`,
    );
    failures.push(...residueOf({ rows: (table) => rows[table] }, () => false));
  } finally {
    server.process.kill('SIGTERM');
    await server.ended;
    await engine.stop();
  }
  if (server.errors() !== '') failures.push(`the server said: ${server.errors()}`);
  return failures;
}

const { messages } = new Command('npm run soak --')
  .description('Takes many messages through the local server, and looks at what stays behind.')
  .option('--messages <number>', 'how many', Number, 1_000_000)
  .parse()
  .opts<{ messages: number }>();

const toldMax = 20;
const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-soak-'));
try {
  const failures = await soak(messages, folder);
  for (const failure of failures.slice(0, toldMax)) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true });
}
