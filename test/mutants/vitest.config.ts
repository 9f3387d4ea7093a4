/** What Stryker runs for each of its mutants: the tests of the engine on the store in memory, and those of its parts. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: '.',
    include: ['test/engine/*.test.ts', 'test/model/*.test.ts', 'test/unit/*.test.ts'],
    exclude: ['test/unit/reference.test.ts'],
    testNamePattern: /^(?!.*on dynamo)/,
    testTimeout: 20_000,
    pool: 'threads',
  },
});
