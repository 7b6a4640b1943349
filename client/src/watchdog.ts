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

/**
 * The same bytes, with another error if they end in one.
 *
 * @param watch is called when bytes are awaited, when they arrived, and when no more are
 */
export function passedOn(
  content: ReadableStream<Uint8Array>,
  translate: (error: unknown) => Error,
  watch: {
    readonly onPull?: () => void;
    readonly onBytes?: () => void;
    readonly onEnd?: () => void;
  },
): ReadableStream<Uint8Array> {
  const reader = content.getReader();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          watch.onPull?.();
          const { done, value } = await reader.read();
          watch.onBytes?.();
          if (!done) {
            controller.enqueue(value);
            return;
          }
          watch.onEnd?.();
          controller.close();
        } catch (error) {
          watch.onEnd?.();
          controller.error(translate(error));
        }
      },
      cancel: (reason) => {
        watch.onEnd?.();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
