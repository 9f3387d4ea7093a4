import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['setup.ts'],
    // One deployment at a time: both bundle the functions.
    fileParallelism: false,
    // A deployment bundles and synthesizes first, and the sweep runs each minute.
    testTimeout: 150_000,
    hookTimeout: 420_000,
  },
});
