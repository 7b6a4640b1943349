const SECOND_MS = 1000;

/** How many seconds back lines are counted. */
export const RATE_SECONDS = 60;

/** Counts lines of the last minute, by second. */
export class LineRate {
  readonly #now: () => number;
  /** Lines of each second, at the second's number modulo their count. */
  readonly #lines = Array.from({ length: RATE_SECONDS }, () => 0);
  readonly #startedSecond: number;
  /** Up to which second `#lines` counts. */
  #second: number;

  /** @param now in milliseconds; must not go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#second = this.#startedSecond = this.#secondNow();
  }

  add(lines: number): void {
    this.#advance();
    const place = this.#second % RATE_SECONDS;
    this.#lines[place] = (this.#lines[place] ?? 0) + lines;
  }

  /** Lines per second over the last minute, or since the start if that is shorter ago. */
  perSecond(): number {
    this.#advance();
    const seconds = Math.min(this.#second - this.#startedSecond + 1, RATE_SECONDS);
    return this.#lines.reduce((sum, lines) => sum + lines, 0) / seconds;
  }

  /** Forgets the seconds that are more than a minute ago. */
  #advance(): void {
    const second = this.#secondNow();
    const passed = Math.min(second - this.#second, RATE_SECONDS);
    for (let i = 0; i < passed; i += 1) this.#lines[(second - i) % RATE_SECONDS] = 0;
    this.#second = second;
  }

  #secondNow(): number {
    return Math.floor(this.#now() / SECOND_MS);
  }
}
