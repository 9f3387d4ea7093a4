import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['setup.ts'],
    // A deployment bundles and synthesizes first, and the sweep runs each minute.
    testTimeout: 120_000,
    hookTimeout: 420_000,
  },
});
