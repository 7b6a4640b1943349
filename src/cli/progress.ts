import { Presets, SingleBar } from 'cli-progress';
import type { ImportProgress } from '../intake/import.ts';

/** The progress of an import as a bar on stderr, where that is a terminal; nothing elsewhere. */
export class ImportProgressBar {
  readonly #fileBytes: number;
  #bar: SingleBar | undefined;
  #phase: ImportProgress['phase'] | undefined;

  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes;
  }

  show(progress: ImportProgress): void {
    if (!process.stderr.isTTY) return;
    const isReading = progress.phase === 'reading';
    if (this.#phase !== progress.phase) {
      this.stop();
      this.#phase = progress.phase;
      this.#bar = new SingleBar(
        {
          format: `${progress.phase.padEnd(8)} {bar} {percentage} %  {eta_formatted} left`,
          gracefulExit: false,
        },
        Presets.shades_classic,
      );
      this.#bar.start(isReading ? this.#fileBytes : progress.total, 0);
    }
    this.#bar?.update(isReading ? progress.bytes : progress.applied);
  }

  /** Leaves the bar as it stands, so that other lines can follow. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
