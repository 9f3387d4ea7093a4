/**
 * Many messages through the local server on an embedded DynamoDB engine. Prints the memory of both during the run, and the rows of the tables
 * at its end, when only tombstones, offloaded chunks with a TTL and settings should remain.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSdkClient } from '../../engine/dynamo/sdk-client.ts';
import type { Row } from '../../engine/port/port.ts';
import { startEmbeddedDynamodb } from '../../functions/local/embedded-dynamodb.ts';
import { httpTransport } from '../../sdk/transports/http.ts';
import { residueOf } from '../simulation/report/residue.ts';
import { scanRows, testCredentials, testRegion } from '../support/dynamodb.ts';
import { engineOf, startProgram } from '../support/local-program.ts';
import { createSoakLoad } from './soak-load.ts';

const apiKey = 'the-key-of-the-soak';
const samples = 20;
/** How much the server may grow after a quarter of the messages, as a share: caches fill, and heaps vary. */
const growthMax = 1.5;
const waitSeconds = 1;
const pauseMs = 20;
const tables = { messages: 'dumbwaiter-messages', leases: 'dumbwaiter-leases', queues: 'dumbwaiter-queues' };

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

/** Returns what is wrong. */
export async function soakDynamodb(total: number, folder: string): Promise<string[]> {
  const databaseFile = join(folder, 'dynamodb.sqlite');
  const engine = await startEmbeddedDynamodb({ databaseFile });
  const server = startProgram([], { DUMBWAITER_API_KEY: apiKey, AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint });
  const failures: string[] = [];
  try {
    const http = httpTransport({ url: (await server.listening).url, apiKey });
    const load = await createSoakLoad({ http, messages: total, waitSeconds });
    const serverMb: number[] = [];
    const startedAt = Date.now();
    const watching = (async () => {
      const enginePid = await engineOf(databaseFile);
      for (let sample = 1; sample <= samples; sample++) {
        while (load.acked() < (total * sample) / samples) await delay(pauseMs);
        serverMb.push(await residentMb(server.process.pid!));
        const seconds = (Date.now() - startedAt) / 1000;
        console.log(
          `${load.acked()} acked, ${Math.round(load.acked() / seconds)}/s: ` +
            `server ${serverMb.at(-1)} MB, engine ${await residentMb(enginePid!)} MB`,
        );
      }
    })();
    await Promise.all([watching, load.runUntil({ published: total, acked: total })]);

    failures.push(...(await load.failures()));
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
