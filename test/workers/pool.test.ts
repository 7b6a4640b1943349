import { afterEach, expect, test } from 'vitest';
import { BulkParser } from '../../src/http/inventory/bulk-parser.ts';
import { WorkerEnded, WorkerPool, type WorkerBudget } from '../../src/workers/pool.ts';
import type { Program } from './program.ts';

const ORGANIZATION = 1;
const OTHER_ORGANIZATION = 2;
const pools: WorkerPool<Program>[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

function poolOf(given: Partial<WorkerBudget> & { readonly size?: number } = {}) {
  const { size = 2, ...budget } = given;
  const pool = new WorkerPool<Program>({
    program: new URL('program.ts', import.meta.url),
    size,
    budget: { workerStallMs: 30_000, workerHeapMib: 64, ...budget },
  });
  pools.push(pool);
  return pool;
}

const alone = { organizationId: ORGANIZATION, host: {} };

/** A host whose task has begun when `began` resolves, and ends after `end`. */
function holding() {
  const began = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<void>();
  const host = {
    waiting: async (): Promise<void> => {
      began.resolve();
      await ending.promise;
    },
  };
  return { host, began: began.promise, end: () => ending.resolve() };
}

test('a task calls its host, and its result or its error comes back', async () => {
  const pool = poolOf();
  const host = { add: async (value: number) => value + 1 };
  expect(await pool.run('double', 20, { organizationId: ORGANIZATION, host })).toBe(42);
  await expect(pool.run('refuse', 'not this', alone)).rejects.toMatchObject({
    code: 'body_malformed',
    message: 'not this',
  });
});

test('the error of a host comes back through its task', async () => {
  const host = { add: () => Promise.reject(new Error('no sum')) };
  const run = poolOf().run('double', 20, { organizationId: ORGANIZATION, host });
  await expect(run).rejects.toThrow('no sum');
});

test('a task that works without getting on is ended, and the pool goes on', async () => {
  const pool = poolOf({ workerStallMs: 500 });
  const run = pool.run('spin', null, alone);
  await expect(run).rejects.toMatchObject({ code: 'too_costly' });
  await expect(run).rejects.toThrow('ONHAND_WORKER_STALL_MS');
  expect(await pool.run('plod', 10, alone)).toBe('done');
});

test('a task that reports progress may take longer', async () => {
  expect(await poolOf({ workerStallMs: 1500 }).run('plod', 3000, alone)).toBe('done');
});

test('a task that waits for its host may take longer', async () => {
  const { host, began, end } = holding();
  const pool = poolOf({ workerStallMs: 1000 });
  const run = pool.run('wait', null, { organizationId: ORGANIZATION, host });
  await began;
  // Another task shows that the time without progress is over.
  const other = { organizationId: OTHER_ORGANIZATION, host: {} };
  await expect(pool.run('spin', null, other)).rejects.toMatchObject({ code: 'too_costly' });
  end();
  await run;
});

test('a task that needs more memory than allowed is ended, and the pool goes on', async () => {
  const pool = poolOf();
  const run = pool.run('hoard', null, alone);
  await expect(run).rejects.toMatchObject({ code: 'too_costly' });
  await expect(run).rejects.toThrow('ONHAND_WORKER_HEAP_MIB');
  expect(await pool.run('plod', 10, alone)).toBe('done');
});

test('a task whose thread ends says so, and the pool goes on', async () => {
  const pool = poolOf();
  await expect(pool.run('die', null, alone)).rejects.toThrow(WorkerEnded);
  expect(await pool.run('plod', 10, alone)).toBe('done');
});

test('a large body whose thread ends may be sent again: nothing of it was applied', async () => {
  const parser = new BulkParser(poolOf());
  const body = Buffer.from(' '.repeat(2_000_000));
  const asOf = { nowMs: 0, asOfToleranceSeconds: 0, asOfUs: undefined };
  const limits = { linesMax: 1, membersMax: 1, textBytesMax: 1, formBytesMax: 1 };
  const parsing = parser.parse(body, { limits, asOf }, ORGANIZATION);
  await expect(parsing).rejects.toMatchObject({ code: 'overloaded' });
  await expect(parsing).rejects.toThrow('Nothing of this request was applied');
});

test('a signal ends a task that runs, even one that never looks at it', async () => {
  const pool = poolOf();
  const stop = new AbortController();
  const reason = new Error('enough');
  const run = pool.run('spin', null, { ...alone, signal: stop.signal });
  stop.abort(reason);
  await expect(run).rejects.toBe(reason);
  expect(await pool.run('plod', 10, alone)).toBe('done');
});

test('closing a pool ends its tasks and refuses others', async () => {
  const pool = poolOf();
  const { host, began } = holding();
  const run = pool.run('wait', null, { organizationId: ORGANIZATION, host });
  await began;
  pool.close();
  await expect(run).rejects.toMatchObject({ code: 'server_stopping' });
  await expect(pool.run('plod', 10, alone)).rejects.toMatchObject({ code: 'server_stopping' });
});

test('one organization leaves a worker to the others', async () => {
  const pool = poolOf({ size: 2 });
  const { host, began, end } = holding();
  const greedy = { organizationId: 1, host };
  const first = pool.run('wait', null, greedy);
  let isSecondDone = false;
  const second = pool.run('wait', null, greedy).then(() => (isSecondDone = true));
  await began;
  expect(await pool.run('plod', 10, { organizationId: 2, host: {} })).toBe('done');
  expect(isSecondDone).toBe(false);
  end();
  await Promise.all([first, second]);
});

test('a task that is stopped while it waits for its turn never runs', async () => {
  const pool = poolOf({ size: 1 });
  const { host, began, end } = holding();
  const first = pool.run('wait', null, { organizationId: 1, host });
  await began;
  const stop = new AbortController();
  const second = pool.run('spin', null, { ...alone, signal: stop.signal });
  stop.abort(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  end();
  await first;
});
