import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    // Generators and their clients come from registries and are compiled.
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
});
