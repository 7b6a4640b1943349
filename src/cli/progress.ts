import { Presets, SingleBar } from 'cli-progress';

const PHASE_WIDTH = 9;

/** The progress of long work as a bar on stderr, where that is a terminal; nothing elsewhere. */
export class ProgressBar {
  #bar: SingleBar | undefined;
  #phase: string | undefined;

  /** Each phase has a bar of its own. */
  show(phase: string, done: number, total: number): void {
    if (!process.stderr.isTTY) return;
    if (this.#phase !== phase) {
      this.stop();
      this.#phase = phase;
      this.#bar = new SingleBar(
        {
          format: `${phase.padEnd(PHASE_WIDTH)} {bar} {percentage} %  {eta_formatted} left`,
          gracefulExit: false,
        },
        Presets.shades_classic,
      );
      this.#bar.start(total, 0);
    }
    this.#bar?.update(done);
  }

  /** Leaves the bar as it stands, so that other lines can follow. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
