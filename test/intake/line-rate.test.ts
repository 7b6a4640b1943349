import { expect, test } from 'vitest';
import { LineRate } from '../../src/intake/line-rate.ts';

test('the rate is that of the last minute, or of the time since the start', () => {
  let nowMs = 5_000_000;
  const rate = new LineRate(() => nowMs);
  expect(rate.perSecond()).toBe(0);
  rate.add(100);
  expect(rate.perSecond()).toBe(100);
  nowMs += 9000;
  rate.add(100);
  expect(rate.perSecond()).toBe(20);
  nowMs += 40_000;
  expect(rate.perSecond()).toBe(4);
});

test('lines of more than a minute ago are forgotten, also when nothing asked in the meantime', () => {
  let nowMs = 1000;
  const rate = new LineRate(() => nowMs);
  rate.add(600);
  nowMs += 59_000;
  expect(rate.perSecond()).toBe(10);
  nowMs += 1000;
  expect(rate.perSecond()).toBe(0);
  rate.add(60);
  nowMs += 3_600_000;
  expect(rate.perSecond()).toBe(0);
});
