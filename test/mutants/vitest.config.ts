/** What Stryker runs for each of its mutants: the tests of the engine on the store in memory, and the model. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: '.',
    include: ['test/engine/*.test.ts', 'test/model/*.test.ts'],
    // It measures cost over all that the engine does: slow, and no judge of one rule.
    exclude: ['test/engine/cost.test.ts'],
    testNamePattern: /^(?!.*on dynamo)/,
    testTimeout: 300_000,
    pool: 'threads',
  },
});
