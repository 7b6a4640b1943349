/** Aborts its signal when it has not been reset for a time. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #limitMs: number;
  readonly #isExpected: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param isExpected asked at the end of the time: whether anything had to arrive */
  constructor(limitMs: number, isExpected: () => boolean = () => true) {
    this.#limitMs = limitMs;
    this.#isExpected = isExpected;
    this.reset();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  reset(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#isExpected()) {
        this.reset();
        return;
      }
      this.#controller.abort(new DOMException('Nothing arrived in time.', 'TimeoutError'));
    }, this.#limitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** The value of a promise, or undefined if it takes longer than `ms` or the signal is aborted first. */
export async function within<T>(
  promise: Promise<T>,
  ms: number | undefined,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const late = new AbortController();
  const end = (): void => late.abort();
  const ended = new Promise<undefined>((resolve) => {
    late.signal.addEventListener('abort', () => resolve(undefined));
  });
  const timer = ms === undefined ? undefined : setTimeout(end, ms);
  signal?.addEventListener('abort', end);
  if (signal?.aborted === true) end();
  try {
    return await Promise.race([promise, ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}
