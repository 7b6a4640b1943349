import { expect, test } from 'vitest';
import { Capacity } from '../../src/intake/capacity.ts';

const LIMIT = 320;
const OF_ONE = 200;
/** A sixteenth of the limit. */
const RESERVED = 20;

/** Uses one unit after another for an organization until it is refused; returns how many it got. */
function useAll(capacity: Capacity, organizationId: number): number {
  let count = 0;
  while (capacity.exhaustedBy(organizationId, 1) === undefined) {
    capacity.add(organizationId, 1);
    count += 1;
  }
  return count;
}

test('one organization gets no more than its limit, and the others get the rest', () => {
  const capacity = new Capacity({ limit: LIMIT, organizationLimit: OF_ONE, unit: 1 });
  expect(useAll(capacity, 1)).toBe(OF_ONE);
  expect(capacity.exhaustedBy(1, 1)).toBe('organization');
  expect(useAll(capacity, 2)).toBe(LIMIT - OF_ONE - RESERVED);
  expect(capacity.exhaustedBy(2, 1)).toBe('server');
  expect(capacity.used).toBe(LIMIT - RESERVED);
});

test('a quiet organization gets a little although busy ones use all that they can', () => {
  const capacity = new Capacity({ limit: LIMIT, organizationLimit: OF_ONE, unit: 1 });
  useAll(capacity, 1);
  useAll(capacity, 2);
  expect(useAll(capacity, 3)).toBe(LIMIT / 64);
  expect(useAll(capacity, 4)).toBe(LIMIT / 64);
  expect(capacity.isFullFor(1)).toBe(false);
});

test('what is released can be used again', () => {
  const capacity = new Capacity({ limit: LIMIT, organizationLimit: OF_ONE, unit: 1 });
  useAll(capacity, 1);
  capacity.add(1, -1);
  expect(useAll(capacity, 1)).toBe(1);
  capacity.add(1, -OF_ONE);
  expect(capacity.used).toBe(0);
});

test('a limit of a few units has no reserve', () => {
  const capacity = new Capacity({ limit: 3, organizationLimit: OF_ONE, unit: 1 });
  expect(useAll(capacity, 1)).toBe(3);
  expect(capacity.exhaustedBy(2, 1)).toBe('server');
  expect(capacity.isFullFor(1)).toBe(true);
});
