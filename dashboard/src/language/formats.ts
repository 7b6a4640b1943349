const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Prints numbers and times for one locale, in the reader's time zone. */
export class Formats {
  readonly locale: string;
  readonly #number: () => Intl.NumberFormat;
  readonly #compact: () => Intl.NumberFormat;
  readonly #relative: () => Intl.RelativeTimeFormat;
  readonly #time: () => Intl.DateTimeFormat;
  readonly #hour: () => Intl.DateTimeFormat;
  readonly #day: () => Intl.DateTimeFormat;
  readonly #dayTime: () => Intl.DateTimeFormat;
  readonly #full: () => Intl.DateTimeFormat;
  readonly #plural: () => Intl.PluralRules;

  constructor(locale: string) {
    this.locale = locale;
    this.#number = once(() => new Intl.NumberFormat(locale));
    this.#compact = once(
      () =>
        new Intl.NumberFormat(locale, {
          notation: 'compact',
          maximumFractionDigits: 1,
        }),
    );
    this.#relative = once(
      () => new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }),
    );
    this.#time = once(() => new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }));
    this.#hour = once(
      () => new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' }),
    );
    this.#day = once(() => new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }));
    this.#dayTime = once(
      () => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }),
    );
    this.#full = once(
      () =>
        new Intl.DateTimeFormat(locale, {
          year: 'numeric',
          month: 'long',
          day: 'numeric',
          hour: 'numeric',
          minute: '2-digit',
          second: '2-digit',
          timeZoneName: 'short',
        }),
    );
    this.#plural = once(() => new Intl.PluralRules(locale));
  }

  /** Prints all digits: 1,234,567. */
  number(value: number): string {
    return this.#number().format(value);
  }

  /** Prints few digits: 1.2M. */
  compact(value: number): string {
    return this.#compact().format(value);
  }

  /** Prints a difference with its sign: +12 or −3. */
  difference(value: number): string {
    const digits = this.#number().format(Math.abs(value));
    if (value === 0) return digits;
    return `${value > 0 ? '+' : '−'}${digits}`;
  }

  /** Prints a number of bytes in the largest unit of which there is at least one. */
  bytes(value: number): string {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
    const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), units.length - 1);
    return new Intl.NumberFormat(this.locale, {
      style: 'unit',
      unit: units[power] ?? 'byte',
      // The short form of bytes has no plural in English.
      unitDisplay: power === 0 ? 'long' : 'short',
      maximumFractionDigits: 1,
    }).format(value / 1000 ** power);
  }

  /** Prints a length of time in the largest unit that it is a whole number of: 15 min, 2 hr, 1 day. */
  minutes(value: number): string {
    const [unit, size] =
      value % 1440 === 0
        ? (['day', 1440] as const)
        : value % 60 === 0
          ? (['hour', 60] as const)
          : (['minute', 1] as const);
    const style = { style: 'unit', unit, unitDisplay: 'short' } as const;
    return new Intl.NumberFormat(this.locale, style).format(value / size);
  }

  /** Prints a part of one as a percentage: 12%, or 0.4% where it is small. */
  share(value: number): string {
    const maximumFractionDigits = value > 0 && value < 0.01 ? 2 : 0;
    const style = { style: 'percent', maximumFractionDigits } as const;
    return new Intl.NumberFormat(this.locale, style).format(value);
  }

  /** Prints an hour by its beginning: 14:00 – 15:00. */
  hour(start: string): string {
    const from = new Date(start);
    return this.#hour().formatRange(from, new Date(from.getTime() + HOUR_MS));
  }

  /** Whether the count takes the singular. */
  isOne(count: number): boolean {
    return this.#plural().select(count) === 'one';
  }

  /** The time of day, with the day unless it is today. */
  instant(time: string, now = Date.now()): string {
    const date = new Date(time);
    const isToday = date.toDateString() === new Date(now).toDateString();
    return (isToday ? this.#time() : this.#dayTime()).format(date);
  }

  /** How long ago: 3 min ago. */
  ago(time: string, now = Date.now()): string {
    const passedMs = now - new Date(time).getTime();
    const size = Math.abs(passedMs);
    if (size < MINUTE_MS) return this.#relative().format(-Math.round(passedMs / 1000), 'second');
    if (size < HOUR_MS) return this.#relative().format(-Math.round(passedMs / MINUTE_MS), 'minute');
    if (size < DAY_MS) return this.#relative().format(-Math.round(passedMs / HOUR_MS), 'hour');
    return this.#relative().format(-Math.round(passedMs / DAY_MS), 'day');
  }

  /** A calendar day, such as a backorder date; the same in every time zone. */
  day(date: string): string {
    return this.#day().format(new Date(`${date.slice(0, 10)}T00:00:00`));
  }

  /** The exact instant, for a tooltip: in the reader's zone and in UTC. */
  exact(time: string): string {
    return `${this.#full().format(new Date(time))}\n${time}`;
  }
}

/** Makes something when it is first needed: each format takes a browser milliseconds. */
function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => (made ??= make());
}
