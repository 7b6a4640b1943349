import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests start hundreds of commands: each need not compile the same sources again.
const NODE_COMPILE_CACHE = fileURLToPath(new URL('node_modules/.cache/node', import.meta.url));

/** What examples import is built only for publishing. */
const resolve = {
  alias: {
    'onhand-client/node': fileURLToPath(new URL('client/src/node.ts', import.meta.url)),
    'onhand-client': fileURLToPath(new URL('client/src/index.ts', import.meta.url)),
  },
};

const shared = {
  env: { NODE_COMPILE_CACHE },
  // The second starts PostgreSQL for the first test that asks for it.
  globalSetup: ['test/temporary-folder.ts', 'test/store/postgres/setup.ts'],
  isolate: false,
  // It needs no transformation.
  server: { deps: { external: [/\/bundled\/kysely\.js$/] } },
  // Only a hang should reach these: a slow or busy machine takes ten times as long as a fast one.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 60_000 } },
};

export default defineConfig({
  test: {
    // Two cores: tests that start servers and threads of their own gain nothing from more.
    maxWorkers: 2,
    projects: [
      { resolve, test: { ...shared, name: 'all', include: ['test/**/*.test.ts'] } },
      {
        // What is promised over HTTP is promised on every database.
        test: {
          ...shared,
          name: 'postgres',
          include: [
            'test/http/**/*.test.ts',
            'test/clients/{typescript,python}.test.ts',
            'test/attack/event-loop.test.ts',
            'test/dashboard/{journeys,files,access}.test.ts',
          ],
          // What these hold is the same before any database is asked.
          exclude: [
            'openapi',
            'download',
            'front-pages',
            'request/open-bytes',
            'request/fairness',
            'request/store-turns',
            'streams/stream-limits',
          ].map((name) => `test/http/${name}.test.ts`),
          env: { NODE_COMPILE_CACHE, TEST_STORE: 'postgres' },
        },
      },
    ],
  },
});
