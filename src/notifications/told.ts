/** Decides what to send to a recipient now. Pure: the clock and the conditions are given. */
import {
  NOTIFICATION_KINDS,
  type NotificationKind,
  type RecipientChoices,
} from '../domain/notifications.ts';
import type { Condition } from './conditions.ts';

/** What a recipient was told of one condition. */
interface ToldCondition extends Pick<
  Condition,
  'kind' | 'organizationId' | 'text' | 'mark' | 'isEvent'
> {
  readonly atMs: number;
  /** Whether it has ended since. It is remembered while it is not told again. */
  readonly isOver: boolean;
}

/** By the keys of the conditions. */
export type Told = Readonly<Record<string, ToldCondition>>;

export interface Message {
  readonly begun: readonly Condition[];
  readonly resolved: readonly Pick<Condition, 'kind' | 'organizationId' | 'text'>[];
}

export interface Plan {
  /** Undefined if there is nothing to tell, or it is not the time for it. */
  readonly message: Message | undefined;
  /** What the recipient was told once the message is accepted, or at once without one. */
  readonly told: Told;
  readonly digestWindow: number;
}

interface Situation {
  readonly choices: RecipientChoices;
  readonly told: Told;
  readonly digestWindow: number;
  /** All that the recipient may know of. */
  readonly conditions: readonly Condition[];
  /** Whether the recipient may still know of an organization. */
  readonly concerns: (kind: NotificationKind, organizationId: number) => boolean;
  readonly nowMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const DAY_MINUTES = 1440;

/** Reads what was stored. What cannot be read is sent again. */
export function readTold(stored: string): Told {
  const parsed: unknown = JSON.parse(stored);
  const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, ToldCondition] => isToldCondition(entry[1])),
  );
}

function isToldCondition(value: unknown): value is ToldCondition {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, organizationId, text, mark, isEvent, atMs, isOver } = value as Partial<
    Record<keyof ToldCondition, unknown>
  >;
  return (
    NOTIFICATION_KINDS.some((known) => known === kind) &&
    [organizationId, mark, atMs].every(Number.isFinite) &&
    typeof text === 'string' &&
    typeof isEvent === 'boolean' &&
    typeof isOver === 'boolean'
  );
}

/** What to tell a recipient now. */
export function planMessage(situation: Situation): Plan {
  const { choices, told, conditions, concerns, nowMs } = situation;
  const window = windowOf(choices, nowMs);
  const waits = { message: undefined, told, digestWindow: situation.digestWindow };
  if (isQuiet(choices, nowMs)) return waits;
  if (choices.digest !== 'immediately') {
    // A new digest begins to collect.
    if (situation.digestWindow === 0) return { ...waits, digestWindow: window };
    if (window <= situation.digestWindow) return waits;
  }
  const repeatMs = choices.repeatMinutes * MINUTE_MS;
  const wanted = conditions.filter(({ kind }) => choices.kinds.includes(kind));
  const begun = wanted.filter(({ key, mark }) => {
    const before = told[key];
    if (before === undefined) return true;
    return (before.isOver || mark > before.mark) && nowMs - before.atMs >= repeatMs;
  });
  const lasting = new Set(wanted.map(({ key }) => key));
  const ended = Object.entries(told).filter(([key, { isOver }]) => !isOver && !lasting.has(key));
  const resolved = ended
    .map(([, condition]) => condition)
    .filter(
      ({ kind, organizationId, isEvent }) =>
        choices.tellsResolved &&
        !isEvent &&
        choices.kinds.includes(kind) &&
        concerns(kind, organizationId),
    );
  const kept = Object.entries(told).filter(
    ([key, { atMs }]) => lasting.has(key) || nowMs - atMs < repeatMs,
  );
  const after: Told = Object.fromEntries([
    ...kept.map(
      ([key, condition]) =>
        [key, { ...condition, isOver: condition.isOver || !lasting.has(key) }] as const,
    ),
    ...begun.map(
      ({ key, kind, organizationId, text, mark, isEvent }) =>
        [key, { kind, organizationId, text, mark, isEvent, atMs: nowMs, isOver: false }] as const,
    ),
  ]);
  const message = begun.length + resolved.length === 0 ? undefined : { begun, resolved };
  return { message, told: after, digestWindow: window };
}

/** A number that grows when the next digest is due: of the hour, or of the day that begins at the recipient's time. */
function windowOf({ digest, dailyAtMinute, timeZone }: RecipientChoices, nowMs: number): number {
  switch (digest) {
    case 'immediately':
      return 0;
    case 'hourly':
      return Math.floor(nowMs / HOUR_MS);
    case 'daily':
      // Of the clock on the wall: a day has 23 or 25 hours when the clocks change.
      return Math.floor((wallClockMs(timeZone, nowMs) - dailyAtMinute * MINUTE_MS) / DAY_MS);
  }
}

function isQuiet({ quiet, timeZone }: RecipientChoices, nowMs: number): boolean {
  if (quiet === null) return false;
  const { fromMinute, untilMinute } = quiet;
  const minute = Math.floor(wallClockMs(timeZone, nowMs) / MINUTE_MS) % DAY_MINUTES;
  return fromMinute < untilMinute
    ? minute >= fromMinute && minute < untilMinute
    : minute >= fromMinute || minute < untilMinute;
}

/** What a clock shows in a time zone, as the time at which a clock in UTC shows it. To the minute. */
function wallClockMs(timeZone: string, nowMs: number): number {
  const parts = formatOf(timeZone).formatToParts(nowMs);
  const of = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'));
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making one takes much longer than using it. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  formats.set(timeZone, format);
  return format;
}

/** Whether the runtime knows a time zone by this name. Offsets such as `+02:00` are no names. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}
