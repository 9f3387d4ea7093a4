import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/clients/**', 'test/console/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The CDK's own check of each template takes most of a synth. It only prints what it finds; test/infra/stack.test.ts asserts it.
    env: { CDK_VALIDATION: 'false' },
    pool: 'forks',
    // More than two cores: many tests mostly wait for processes, or for what takes its time by a rule.
    maxWorkers: 3,
  },
});
