/**
 * Many messages through the local server on a SQLite file. After each round of messages the clock moves by days, so that tombstones expire at
 * once and offloaded bodies after some rounds. The sizes of the file and of the server must then be flat.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { httpTransport } from '../../sdk/transports/http.ts';
import { dayMs } from '../support/durations.ts';
import { createSoakLoad } from './soak-load.ts';
import { growthOf, type Sizes, sizesText } from './soak-sizes.ts';

export interface SqliteSoak {
  messages: number;
  rounds: number;
  /** Where the file is created. */
  folder: string;
  tell(line: string): void;
}

const apiKey = 'the-key-of-the-soak';
const linesMax = 10;
/** Delayed and released messages may wait until the next round: 2 % of the messages are one or the other. */
const waitingShare = 0.02;
/** Less than the retention of messages that wait. Offloaded bodies stay for a month after it, so for four rounds. */
const daysBetweenRounds = 12;
/** More than any row has to live. */
const daysAtEnd = 100;

/** Returns what is wrong. */
export async function soakSqlite({ messages, rounds, folder, tell }: SqliteSoak): Promise<string[]> {
  const server = await startServer(join(folder, 'queue.sqlite'));
  const failures: string[] = [];
  try {
    const load = await createSoakLoad({ http: httpTransport({ url: server.url, apiKey }), messages, waitSeconds: 0 });
    const samples: Sizes[] = [];
    const startedAt = Date.now();
    for (let round = 1; round <= rounds; round++) {
      const published = Math.ceil((messages * round) / rounds);
      const waiting = round === rounds ? 0 : Math.ceil((messages / rounds) * waitingShare);
      await load.runUntil({ published, acked: published - waiting });
      samples.push(await server.moveClock(daysBetweenRounds * dayMs));
      if (round % Math.ceil(rounds / linesMax) > 0) continue;
      const rate = Math.round((load.acked() / (Date.now() - startedAt)) * 1000);
      tell(`${load.acked()} acked, ${rate}/s: ${sizesText(samples.at(-1)!)}`);
    }
    failures.push(...growthOf(samples), ...(await load.failures()));
    const end = await server.moveClock(daysAtEnd * dayMs);
    tell(`${daysAtEnd} days later: ${sizesText(end)}`);
    if (end.messages + end.leases > 0) failures.push(`rows are left: ${sizesText(end)}`);
  } finally {
    await server.stop();
  }
  if (server.errors() !== '') failures.push(`the server said: ${server.errors()}`);
  return failures;
}

async function startServer(file: string) {
  const program = fileURLToPath(new URL('soak-server.ts', import.meta.url));
  const child = fork(program, [file, apiKey], {
    execArgv: ['--expose-gc', '--max-semi-space-size=2'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr!.on('data', (data) => {
    errors += data;
  });
  // Not 'close', which does not come after a disconnect by the parent.
  const ended = once(child, 'exit');
  async function answer<Answer>(): Promise<Answer> {
    const gone = ended.then(([code, signal]) => {
      throw new Error(`the server ended (${code ?? signal}): ${errors}`);
    });
    return (await Promise.race([once(child, 'message'), gone]))[0] as Answer;
  }
  const { url } = await answer<{ url: string }>();
  return {
    url,
    errors: () => errors,
    moveClock(ms: number): Promise<Sizes> {
      child.send(ms);
      return answer();
    },
    async stop(): Promise<void> {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
