import { Presets, SingleBar } from 'cli-progress';
import type { CommandContext } from './context.ts';

const PHASE_WIDTH = 9;

/** A progress bar on stderr; shows nothing if stderr is not a terminal. */
export class ProgressBar {
  readonly #stderr: CommandContext['stderr'];
  #bar: SingleBar | undefined;
  #phase: string | undefined;

  constructor({ stderr }: CommandContext) {
    this.#stderr = stderr;
  }

  /** Starts a new bar for each phase. */
  show(phase: string, done: number, total: number): void {
    if (this.#stderr.isTTY !== true) return;
    if (this.#phase !== phase) {
      this.stop();
      this.#phase = phase;
      this.#bar = new SingleBar(
        {
          format: `${phase.padEnd(PHASE_WIDTH)} {bar} {percentage} %  {eta_formatted} left`,
          gracefulExit: false,
          stream: this.#stderr,
        },
        Presets.shades_classic,
      );
      this.#bar.start(total, 0);
    }
    this.#bar?.update(done);
  }

  /** Stops drawing and leaves the bar as it is, so that other lines can follow. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
