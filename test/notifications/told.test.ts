import { expect, test } from 'vitest';
import type { RecipientChoices } from '../../src/domain/notifications.ts';
import type { Condition } from '../../src/notifications/conditions.ts';
import { isTimeZone, planMessage, readTold, type Told } from '../../src/notifications/told.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const CHOICES: RecipientChoices = {
  kinds: ['supplier_late', 'file_failed'],
  digest: 'immediately',
  dailyAtMinute: 8 * 60,
  quiet: null,
  timeZone: 'UTC',
  repeatMinutes: 60,
  tellsResolved: true,
};

const LATE: Condition = {
  key: 'supplier_late 1',
  kind: 'supplier_late',
  organizationId: 1,
  text: 'Acme is late.',
  mark: 0,
  isEvent: false,
};
const FAILED: Condition = {
  key: 'file_failed 1',
  kind: 'file_failed',
  organizationId: 1,
  text: 'Files of Acme failed: 1.',
  mark: 5,
  isEvent: true,
};

/** A recipient that accepts every message. */
function recipient(choices: Partial<RecipientChoices> = {}) {
  let told: Told = {};
  let digestWindow = 0;
  return (
    time: string,
    conditions: readonly Condition[] = [],
    concerns: () => boolean = () => true,
  ): readonly string[] => {
    const plan = planMessage({
      choices: { ...CHOICES, ...choices },
      told,
      digestWindow,
      conditions,
      concerns,
      nowMs: Date.parse(time),
    });
    told = readTold(JSON.stringify(plan.told));
    ({ digestWindow } = plan);
    return [
      ...(plan.message?.begun ?? []).map(({ text }) => text),
      ...(plan.message?.resolved ?? []).map(({ text }) => `resolved ${text}`),
    ];
  };
}

test('a condition is sent when it begins and when it ends, once each, and only if its kind was chosen', () => {
  const check = recipient();
  const paused = { ...LATE, key: 'webhook_paused 1 1', kind: 'webhook_paused' as const };
  expect(check('2026-11-28T10:00Z', [LATE, paused])).toEqual([LATE.text]);
  expect(check('2026-11-28T12:00Z', [LATE, paused])).toEqual([]);
  expect(check('2026-11-28T12:01Z', [paused])).toEqual([`resolved ${LATE.text}`]);
  expect(check('2026-11-28T12:02Z')).toEqual([]);
});

test('the end is not told to those who do not want it, or may no longer know of the organization', () => {
  const silent = recipient({ tellsResolved: false });
  const cutOff = recipient();
  for (const check of [silent, cutOff]) check('2026-11-28T10:00Z', [LATE]);
  expect(silent('2026-11-28T10:01Z')).toEqual([]);
  expect(cutOff('2026-11-28T10:01Z', [], () => false)).toEqual([]);
});

test('a condition that ends and begins again is sent again only after the time that was chosen, if it lasts', () => {
  const check = recipient();
  check('2026-11-28T10:00Z', [LATE]);
  expect(check('2026-11-28T10:01Z')).toEqual([`resolved ${LATE.text}`]);
  expect(check('2026-11-28T10:59Z', [LATE])).toEqual([]);
  expect(check('2026-11-28T11:00Z', [LATE])).toEqual([LATE.text]);
});

test('what happened once is sent again when there is more of it, and never resolved', () => {
  const check = recipient();
  expect(check('2026-11-28T10:00Z', [FAILED])).toEqual([FAILED.text]);
  expect(check('2026-11-28T10:01Z', [{ ...FAILED, mark: 6 }])).toEqual([]);
  expect(check('2026-11-28T11:00Z', [{ ...FAILED, mark: 6 }])).toEqual([FAILED.text]);
  expect(check('2026-11-28T11:01Z')).toEqual([]);
});

test('in quiet hours nothing is sent; what lasts is sent when they end, on the clock of the time zone', () => {
  const quiet = { fromMinute: 20 * 60, untilMinute: 7 * 60 };
  const check = recipient({ quiet, timeZone: 'Europe/Berlin' });
  // Berlin is one hour ahead of UTC.
  expect(check('2026-11-28T18:59Z', [LATE])).toEqual([LATE.text]);
  expect(check('2026-11-28T19:00Z')).toEqual([]);
  expect(check('2026-11-29T05:59Z', [FAILED])).toEqual([]);
  expect(check('2026-11-29T06:00Z', [FAILED])).toEqual([FAILED.text, `resolved ${LATE.text}`]);
  const byDay = recipient({ quiet: { fromMinute: 9 * 60, untilMinute: 17 * 60 } });
  expect(byDay('2026-11-28T09:00Z', [LATE])).toEqual([]);
  expect(byDay('2026-11-28T17:00Z', [LATE])).toEqual([LATE.text]);
});

test('an hourly digest is sent with the next full hour', () => {
  const check = recipient({ digest: 'hourly' });
  expect(check('2026-11-28T10:10Z', [LATE])).toEqual([]);
  expect(check('2026-11-28T10:59Z', [LATE, FAILED])).toEqual([]);
  expect(check('2026-11-28T11:00Z', [LATE, FAILED])).toEqual([LATE.text, FAILED.text]);
  expect(check('2026-11-28T11:30Z', [FAILED])).toEqual([]);
  expect(check('2026-11-28T12:00Z', [FAILED])).toEqual([`resolved ${LATE.text}`]);
});

test('a daily digest is sent once a day at the time of its time zone, also when the clocks change', () => {
  const check = recipient({ digest: 'daily', timeZone: 'Europe/Berlin', repeatMinutes: 0 });
  const sent: string[] = [];
  let mark = 0;
  for (let at = Date.parse('2026-10-23T12:00Z'); at < Date.parse('2026-10-27T12:00Z'); at += HOUR) {
    mark += 1;
    const time = new Date(at).toISOString();
    if (check(time, [{ ...FAILED, mark }]).length > 0) sent.push(time.slice(5, 13));
  }
  // Summer time ends in the night to 25 October.
  expect(sent).toEqual(['10-24T06', '10-25T07', '10-26T07', '10-27T07']);
});

test('what was stored by another version is sent again rather than trusted', () => {
  expect(readTold('{"supplier_late 1":{"kind":"unknown"},"x":null}')).toEqual({});
  expect(readTold('[]')).toEqual({});
});

test('time zones have names', () => {
  expect(
    ['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires'].filter(isTimeZone),
  ).toHaveLength(3);
  expect(['', 'Mars/Phobos', '+02:00', 'Europe/Berlin; x'].filter(isTimeZone)).toEqual([]);
});
