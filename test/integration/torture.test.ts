import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testSeed } from '../support/seed.ts';
import { describe, failuresOf, torture } from '../torture/torture.ts';

const roundMs = 18_000;

it('a queue keeps its promises while servers, engine and clients are killed and clocks are moved', {
  timeout: 180_000,
}, async () => {
  const seed = testSeed;
  const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-torture-'));
  const report = await torture({ folder, seed, durationMs: 0, roundMs });
  expect(failuresOf(report), describe(seed, report)).toEqual([]);
  await rm(folder, { recursive: true });
});
