/** The system under torture: a DynamoDB engine on a file, and servers over it. Each is a process that can be killed and restarted. */
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type EmbeddedDynamodb, EmbeddedDynamodbError, startEmbeddedDynamodb } from '../../functions/local/embedded-dynamodb.ts';
import { engineOf, type LocalProgram, startProgram } from '../support/local-program.ts';

export const apiKey = 'the-key-of-the-torture';
const startTriesMax = 20;
const startPauseMs = 250;
const movedClock = pathToFileURL(fileURLToPath(new URL('./moved-clock.ts', import.meta.url))).href;

export interface Cluster {
  urls: string[];
  /** Kills a server and restarts it on its port. */
  killServer(index: number): Promise<void>;
  /** Kills the DynamoDB engine under the running servers, and restarts it on its file and port. */
  killEngine(): Promise<void>;
  /** Sets the offset of a server's wall clock, in ms. */
  moveClock(index: number, ms: number): void;
  /** What the servers wrote to standard error. */
  errors(): string;
  stop(): Promise<void>;
}

export async function startCluster(folder: string, servers: number): Promise<Cluster> {
  const databaseFile = join(folder, 'dynamodb.sqlite');
  let engine = await startEmbeddedDynamodb({ databaseFile });
  const { endpoint } = engine;
  const enginePort = Number(new URL(endpoint).port);
  let said = '';
  let stopped = false;

  const clockFile = (index: number) => join(folder, `clock-${index}`);
  function start(index: number, port: number): LocalProgram {
    return startProgram(['--port', String(port)], {
      DUMBWAITER_API_KEY: apiKey,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      NODE_OPTIONS: `--import=${movedClock}`,
      MOVED_CLOCK_FILE: clockFile(index),
    });
  }

  const running: { program: LocalProgram; url: string }[] = [];
  for (let index = 0; index < servers; index++) {
    await writeFile(clockFile(index), '0');
    const program = start(index, 0);
    running.push({ program, url: (await program.listening).url });
  }

  async function restart(index: number): Promise<void> {
    const { url } = running[index]!;
    for (let tries = 1; !stopped; tries++) {
      const program = start(index, Number(new URL(url).port));
      running[index] = { program, url };
      try {
        await program.listening;
        return;
      } catch (error) {
        // The engine may be down at this moment.
        said += program.errors();
        if (tries === startTriesMax) throw error;
        await delay(startPauseMs);
      }
    }
  }

  async function startEngine(): Promise<EmbeddedDynamodb> {
    for (let tries = 1; ; tries++) {
      try {
        return await startEmbeddedDynamodb({ databaseFile, port: enginePort });
      } catch (error) {
        if (!(error instanceof EmbeddedDynamodbError) || tries === startTriesMax) throw error;
        await delay(startPauseMs);
      }
    }
  }

  return {
    urls: running.map(({ url }) => url),
    async killServer(index) {
      const { program } = running[index]!;
      program.process.kill('SIGKILL');
      await program.ended;
      said += program.errors();
      await restart(index);
    },
    async killEngine() {
      const pid = await engineOf(databaseFile);
      if (pid === undefined) throw new Error('the DynamoDB engine is not running');
      process.kill(pid, 'SIGKILL');
      await engine.ended;
      engine = await startEngine();
    },
    // Synchronous, to keep the moment short in which the file is empty. An empty file reads as 0.
    moveClock: (index, ms) => writeFileSync(clockFile(index), String(ms)),
    errors: () => said + running.map(({ program }) => program.errors()).join(''),
    async stop() {
      stopped = true;
      for (const { program } of running) program.process.kill('SIGKILL');
      await Promise.all(running.map(({ program }) => program.ended));
      await engine.stop();
    },
  };
}
