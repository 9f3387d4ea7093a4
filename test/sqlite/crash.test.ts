/** A process that writes is killed or stopped at any moment, and what its file then holds is compared with what it was answered. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { seededRandom } from '../../engine/port/random.ts';
import { openSqliteStore } from '../../engine/sqlite/store.ts';
import { testSeed } from '../support/seed.ts';

const program = fileURLToPath(new URL('../support/sqlite-writer.ts', import.meta.url));
const flows = 5;
const crashes = 4;
const copies = 12;
const cuts = 40;

let folder: string;
let writer: ChildProcess;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-sqlite-'));
});
afterEach(async () => {
  writer.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** Starts a writer. `told` gets its answers, line by line. */
function startWriter(file: string): { told: string[]; ended: Promise<unknown>; more(count: number): Promise<void> } {
  writer = spawn(process.execPath, [program, file, String(flows)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const told: string[] = [];
  let rest = '';
  writer.stdout!.on('data', (data) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop()!;
    told.push(...lines);
  });
  const ended = once(writer, 'close');
  return {
    told,
    ended,
    async more(count) {
      const enough = told.length + count;
      while (told.length < enough) await once(writer.stdout!, 'data');
    },
  };
}

/** Opens the file and compares it with the answers. */
async function expectHolds(file: string, told: readonly string[]): Promise<void> {
  const { leases, pairs } = await contents(file);
  const kept = told.filter((line) => line.startsWith('kept'));
  const gone = told.filter((line) => line.startsWith('gone'));
  expect(kept.filter((line) => !leases.has(line))).toEqual([]);
  expect(gone.filter((line) => leases.has(line))).toEqual([]);
  expect(kept.length).toBeGreaterThan(0);
  // Both rows of a transaction, or none.
  expect([...leases].filter((id) => id.startsWith('kept')).sort()).toEqual(pairs);
}

async function contents(file: string): Promise<{ leases: Set<string>; pairs: string[] }> {
  const store = openSqliteStore({ file });
  try {
    const leases = new Set(store.rows('leases').map(({ id }) => id as string));
    const pairs = store
      .rows('messages')
      .map(({ id }) => id as string)
      .sort();
    for (let flow = 0; flow < flows; flow++) {
      // The index was written with the rows.
      const due = await store.range({ table: 'leases', index: 'due', partition: `s${flow}`, limit: 100_000 });
      expect(due.rows).toHaveLength(pairs.filter((id) => id.startsWith(`kept ${flow} `)).length);
    }
    return { leases, pairs };
  } finally {
    await store.close();
  }
}

function seeded(): () => number {
  const seed = testSeed;
  onTestFailed(() => console.error(`seed ${seed}`));
  return seededRandom(seed).number;
}

describe('a crash', () => {
  it('a SQLite file holds all that was answered after kill -9 at any moment, and is free for the next process', async () => {
    const random = seeded();
    for (let crash = 0; crash < crashes; crash++) {
      const file = join(folder, `crash-${crash}.sqlite`);
      const { told, ended, more } = startWriter(file);
      await more(1 + Math.floor(random() * 400));
      writer.kill('SIGKILL');
      await ended;
      await expectHolds(file, told);
    }
  });

  it('a SQLite file holds all that was answered in a copy of the file and its log that is taken at any moment', async () => {
    const random = seeded();
    const file = join(folder, 'queue.sqlite');
    const { told, more } = startWriter(file);
    for (let n = 0; n < copies; n++) {
      await more(1 + Math.floor(random() * 300));
      writer.kill('SIGSTOP');
      const answered = [...told];
      const copy = join(folder, `copy-${n}.sqlite`);
      await copyWithLog(file, copy);
      writer.kill('SIGCONT');
      await expectHolds(copy, answered);
    }
  });

  it('a SQLite file opens when its log is cut off anywhere, and holds the transactions before the cut', async () => {
    const random = seeded();
    const file = join(folder, 'queue.sqlite');
    const { more } = startWriter(file);
    await more(150);
    writer.kill('SIGSTOP');
    const { size } = await stat(`${file}-wal`);
    const counts: number[] = [];
    for (let n = 0; n < cuts; n++) {
      const copy = join(folder, `cut-${n}.sqlite`);
      await copyWithLog(file, copy);
      await truncate(`${copy}-wal`, Math.floor(random() * size));
      const { leases, pairs } = await contents(copy);
      expect([...leases].filter((id) => id.startsWith('kept')).sort()).toEqual(pairs);
      for (let flow = 0; flow < flows; flow++) {
        // A flow waits for each answer, so its rows end at one point, without a gap.
        const numbers = pairs.filter((id) => id.startsWith(`kept ${flow} `)).map((id) => Number(id.split(' ')[2]));
        expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index));
      }
      counts.push(pairs.length);
    }
    expect(new Set(counts).size).toBeGreaterThan(2);
  });
});

async function copyWithLog(file: string, copy: string): Promise<void> {
  await copyFile(file, copy);
  await copyFile(`${file}-wal`, `${copy}-wal`);
}
