import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cases } from '../support/cases.ts';
import { mutants } from './list.ts';
import { mutatedSource } from './mutant.ts';

const root = join(import.meta.dirname, '../..');

it.each(cases(mutants))('the mutant "$name" fits the source, and its tests exist', (mutant) => {
  const source = readFileSync(join(root, mutant.file), 'utf8');
  expect(mutatedSource(mutant, source)).not.toBe(source);
  expect((mutant.tests ?? []).filter((test) => !existsSync(join(root, test)))).toEqual([]);
});

it('each mutant has a name of its own', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});
