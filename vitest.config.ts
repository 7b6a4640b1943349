import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Starts PostgreSQL for the first test that asks for it.
    globalSetup: ['test/store/postgres-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: tests that start servers and threads of their own gain nothing from more.
    maxWorkers: 2,
  },
});
