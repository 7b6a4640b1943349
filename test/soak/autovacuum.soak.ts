import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Statistics are then gathered in the middle of most tests, which must not change how long they take. */
test('the whole suite passes while PostgreSQL gathers statistics every second', () => {
  const { status, stdout, stderr } = spawnSync('npx', ['vitest', 'run'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, TEST_AUTOVACUUM_NAPTIME: '1' },
  });
  expect(status, `${stdout.slice(-20_000)}\n${stderr}`).toBe(0);
});
