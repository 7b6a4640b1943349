import { Presets, SingleBar } from 'cli-progress';
import { printNote } from './output.ts';
import type { UploadProgress } from './push-upload.ts';

const MIB = 1024 * 1024;
/** How often something is said where nobody watches. */
const NOTE_EVERY_MS = 10_000;

/**
 * How a push goes, on stderr: a bar, or a line that is written over, where that is a terminal; else a line
 * now and then.
 */
export class PushProgress {
  readonly #name: string;
  readonly #isQuiet: boolean;
  #phase: UploadProgress['phase'] | undefined;
  #phaseSinceMs = performance.now();
  #notedAtMs = performance.now();
  #bar: SingleBar | undefined;

  constructor(name: string, isQuiet: boolean) {
    this.#name = name;
    this.#isQuiet = isQuiet;
  }

  show(progress: UploadProgress): void {
    if (this.#isQuiet) return;
    if (progress.phase !== this.#phase) this.#begin(progress.phase);
    if (process.stderr.isTTY) this.#draw(progress);
    else this.#note(progress);
  }

  /** Leaves the bar as it stands, so that other lines can follow. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    if (this.#phase !== undefined && process.stderr.isTTY) clearLine();
    this.#phase = undefined;
  }

  #begin(phase: UploadProgress['phase']): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#phase = phase;
    this.#phaseSinceMs = performance.now();
  }

  #draw(progress: UploadProgress): void {
    const text = `${this.#name}: ${this.#textOf(progress)}`;
    const [value, total] = shareOf(progress);
    if (total === null) {
      clearLine();
      process.stderr.write(text);
      return;
    }
    if (this.#bar === undefined) {
      const format = '{bar} {percentage} %  {text}  {eta_formatted} left';
      this.#bar = new SingleBar({ format, gracefulExit: false }, Presets.shades_classic);
      this.#bar.start(total, value, { text });
    }
    this.#bar.update(value, { text });
  }

  #note(progress: UploadProgress): void {
    if (performance.now() - this.#notedAtMs < NOTE_EVERY_MS) return;
    this.#notedAtMs = performance.now();
    printNote(`${this.#name}: ${this.#textOf(progress)}`);
  }

  #textOf(progress: UploadProgress): string {
    const seconds = (performance.now() - this.#phaseSinceMs) / 1000;
    switch (progress.phase) {
      case 'sending': {
        const rate = seconds > 0 ? progress.bytes / MIB / seconds : 0;
        return `${mib(progress.bytes)} of ${mib(progress.bytesTotal)} MiB sent, ${rate.toFixed(1)} MiB/s`;
      }
      case 'waiting':
        return 'sent; waiting for its turn';
      case 'applying': {
        const rate = seconds > 0 ? progress.rows / seconds : 0;
        const failed = progress.failed === 0 ? 'none' : progress.failed.toLocaleString('en');
        return `${progress.rows.toLocaleString('en')} rows, ${Math.round(rate).toLocaleString('en')} rows/s, ${failed} failed`;
      }
    }
  }
}

function shareOf(progress: UploadProgress): readonly [number, number | null] {
  if (progress.phase === 'sending') return [progress.bytes, progress.bytesTotal];
  if (progress.phase === 'applying') return [progress.rows, progress.rowsTotal];
  return [0, null];
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function clearLine(): void {
  process.stderr.write('\r\u001B[K');
}
