import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { seededRandom } from '../../engine/port/random.ts';
import { engineOf, type LocalProgram, startProgram } from '../support/local-program.ts';
import { type HttpCalls, httpCalls } from '../support/local-queue.ts';
import { testSeed } from '../support/seed.ts';

const where = { queue: 'crash' };
const key = 'crash-key';
const crashes = 3;
const publishers = 3;
const receivers = 3;
/** Short: messages that were leased when the server died must come back during the test. */
const visibilityTimeoutSeconds = 2;

let folder: string;
let program: LocalProgram;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-crash-'));
});
afterEach(async () => {
  program.process.kill('SIGKILL');
  await program.ended;
  await rm(folder, { recursive: true, force: true });
});

async function start(options: string[]): Promise<HttpCalls> {
  program = startProgram(['--data', folder, ...options], { DUMBWAITER_API_KEY: key });
  return httpCalls((await program.listening).url, key);
}

/** What the callers were told, by the bodies of the messages. */
interface Told {
  published: Set<string>;
  /** An ack was sent. The message may be gone, with or without an answer. */
  ackSent: Set<string>;
  acked: Set<string>;
  /** Received by a call that began after the ack was answered with success. */
  cameBack: string[];
  next: number;
}

async function publishAway(http: HttpCalls, told: Told): Promise<never> {
  for (;;) {
    const bodies = Array.from({ length: 1 + (told.next % 12) }, () => `m${told.next++}`);
    // Every third message has an own id, and is stored in another way.
    const messages = bodies.map((body, i) => (i % 3 === 2 ? { body, id: body } : { body }));
    const { results } = await http.call('publish', where, { messages });
    results.forEach((result, i) => {
      if (result.ok) told.published.add(bodies[i]!);
    });
    const refused = results.find((result) => !result.ok);
    if (refused) throw new Error(JSON.stringify(refused));
  }
}

/** Returns how many messages came. */
async function receiveAndAck(http: HttpCalls, told: Told, waitSeconds: number): Promise<number> {
  const ackedBefore = new Set(told.acked);
  const { messages } = await http.call('receive', where, {
    max: waitSeconds > 0 ? 100 : 10,
    visibilityTimeoutSeconds,
    waitSeconds,
  });
  const bodies = messages.map(({ body }) => body as string);
  for (const body of bodies) {
    if (ackedBefore.has(body)) told.cameBack.push(body);
  }
  if (messages.length === 0) return 0;
  for (const body of bodies) told.ackSent.add(body);
  const { results } = await http.call('ack', where, { receipts: messages.map(({ receipt }) => receipt) });
  results.forEach((result, i) => {
    if (result.ok) told.acked.add(bodies[i]!);
    else if (result.code === 'lease_lost') told.ackSent.delete(bodies[i]!);
  });
  return messages.length;
}

async function receiveAway(http: HttpCalls, told: Told): Promise<never> {
  for (;;) await receiveAndAck(http, told, 0);
}

const killServer = async () => void program.process.kill('SIGKILL');
const killEngine = async () => void process.kill((await engineOf(join(folder, 'dynamodb.sqlite')))!, 'SIGKILL');

describe.each<[string, string[], () => Promise<void>]>([
  ['the local server', [], killServer],
  ['the local server with --dynamodb', ['--dynamodb'], killServer],
  ['its DynamoDB engine', ['--dynamodb'], killEngine],
])('kill -9 of %s under load', (_, options, kill) => {
  it('a queue loses nothing that was answered with success and redelivers nothing acked after kill -9', async () => {
    const seed = testSeed;
    onTestFailed(() => console.error(`seed ${seed}`));
    const random = seededRandom(seed);
    const told: Told = { published: new Set(), ackSent: new Set(), acked: new Set(), cameBack: [], next: 0 };
    let http = await start(options);
    await http.call('createQueue', where);

    for (let crash = 0; crash < crashes; crash++) {
      const publishedBefore = told.published.size;
      const load = [
        ...Array.from({ length: publishers }, () => publishAway(http, told)),
        ...Array.from({ length: receivers }, () => receiveAway(http, told)),
      ].map((work) => work.catch((error: unknown) => error));
      // Under load, at a random moment.
      const published = publishedBefore + 1 + Math.floor(random.number() * 300);
      while (told.published.size < published) await new Promise((resolve) => setTimeout(resolve, 1));
      await kill();
      await program.ended;
      // Every worker ended because its call failed, not because of a failed check.
      for (const error of await Promise.all(load)) expect(String(error)).toMatch(/fetch failed|terminated|unavailable/);
      http = await start(options);
    }

    // Longer than any lease: when nothing comes, nothing is left.
    while ((await receiveAndAck(http, told, visibilityTimeoutSeconds + 1)) > 0);
    expect(told.cameBack).toEqual([]);
    const lost = [...told.published].filter((body) => !told.ackSent.has(body));
    expect(lost).toEqual([]);
    expect((await http.call('getQueue', where)).counts).toMatchObject({ ready: 0, delayed: 0, leased: 0 });
    expect(told.acked.size).toBeGreaterThan(crashes);
  });
});
