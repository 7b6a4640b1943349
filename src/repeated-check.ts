const EVERY_MS = 60_000;

/** Runs a check at once and then every minute, one at a time. The timer does not keep the process alive. */
export class RepeatedCheck {
  readonly #timer: NodeJS.Timeout;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  /** @param check must not reject; should end soon after its signal is aborted */
  constructor(check: (signal: AbortSignal) => Promise<void>) {
    const run = (): void => {
      this.#running ??= check(this.#stopping.signal).finally(() => (this.#running = undefined));
    };
    run();
    this.#timer = setInterval(run, EVERY_MS).unref();
  }

  /** Aborts the signal of a check in progress, and resolves when none is. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#running;
  }
}
