import { defineConfig } from 'vitest/config';

/** `npm run soak`: tests that take too long for every change. */
export default defineConfig({
  test: {
    include: ['test/soak/*.soak.ts', 'test/attack/*.soak.ts'],
    globalSetup: ['test/store/postgres/setup.ts'],
    testTimeout: 60 * 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
});
