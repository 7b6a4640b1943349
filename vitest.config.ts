import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: tests that start servers and threads of their own gain nothing from more.
    maxWorkers: 2,
  },
});
