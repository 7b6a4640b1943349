const EVERY_MS = 60_000;

/** Runs a check at once and then every minute, one at a time. The timer does not keep the process alive. */
export class RepeatedCheck {
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;

  /** @param check must not reject */
  constructor(check: () => Promise<void>) {
    const run = (): void => {
      this.#running ??= check().finally(() => (this.#running = undefined));
    };
    run();
    this.#timer = setInterval(run, EVERY_MS).unref();
  }

  /** Resolves when no check is in progress. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
