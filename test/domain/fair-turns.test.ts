import { expect, test } from 'vitest';
import { FairTurns } from '../../src/domain/fair-turns.ts';

test('organizations take turns while the first has much more to do', async () => {
  const turns = new FairTurns(1);
  const done: string[] = [];
  const work = (organizationId: number, name: string): Promise<void> =>
    turns.run(organizationId, async () => {
      await Promise.resolve();
      done.push(name);
    });
  await Promise.all([
    ...Array.from({ length: 4 }, (_, i) => work(1, `A${i + 1}`)),
    work(2, 'B1'),
    work(2, 'B2'),
    work(3, 'C1'),
  ]);
  expect(done).toEqual(['A1', 'A2', 'B1', 'C1', 'A3', 'B2', 'A4']);
});

test('work that fails passes the turn on, and no more than the limit runs at once', async () => {
  const turns = new FairTurns(2);
  let running = 0;
  let most = 0;
  const work = (i: number): Promise<void> =>
    turns.run(i % 3, async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      if (i % 2 === 0) throw new Error('failed');
    });
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => work(i)));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10);
  expect(most).toBe(2);
});
