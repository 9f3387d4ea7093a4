import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['setup.ts'],
    // Deploying bundles and synthesizes first; the sweep comes round each minute.
    testTimeout: 120_000,
    hookTimeout: 420_000,
  },
});
