/** A short soak, and how a soak judges sizes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { range } from '../support/range.ts';
import { growthOf, type Sizes } from './soak-sizes.ts';
import { soakSqlite } from './soak-sqlite.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-soak-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('a local server on SQLite takes messages through, acks each once, and has removed every row of them when the rows expire', async () => {
  const told: string[] = [];
  const tell = (line: string) => told.push(line);
  expect(await soakSqlite({ messages: 1_600, rounds: 16, folder, tell }), told.join('\n')).toEqual([]);
});

describe('the sizes of a soak', () => {
  const megabyte = 1024 * 1024;
  const flat: Sizes = {
    file: 10 * megabyte,
    log: 4 * megabyte,
    messages: 5,
    leases: 5,
    queues: 1,
    resident: 100 * megabyte,
    heap: 20 * megabyte,
  };

  it('are flat if they grow in the first quarter only', () => {
    expect(growthOf(range(16).map((round) => ({ ...flat, file: Math.min(round, 4) * megabyte * 3 })))).toEqual([]);
  });

  it.each([
    ['file', 1.11],
    ['log', 1.11],
    ['resident', 1.26],
    ['heap', 1.11],
  ] as const)('are not flat if %s is larger once in the last quarter', (name, growth) => {
    const samples = range(16).map((round) => (round === 13 ? { ...flat, [name]: flat[name] * growth } : flat));
    expect(growthOf(samples)).toEqual([expect.stringContaining(`${name} grew`)]);
    const little = range(16).map((round) => (round === 13 ? { ...flat, [name]: flat[name] * (growth - 0.02) } : flat));
    expect(growthOf(little)).toEqual([]);
  });

  it('do not count what a small file grows within the free pages that it keeps', () => {
    expect(growthOf(range(16).map((round) => ({ ...flat, file: round * 0.1 * megabyte })))).toEqual([]);
  });
});
