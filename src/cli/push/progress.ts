import { Presets, SingleBar } from 'cli-progress';
import { printNote } from '../output.ts';
import type { UploadProgress } from './upload.ts';

const MIB = 1024 * 1024;
/** How often something is said where nobody watches. */
const NOTE_EVERY_MS = 10_000;
const RATE_FROM_SECONDS = 0.5;

/**
 * How a push goes, on stderr: a bar, or a line that is written over, where that is a terminal; else a line
 * now and then.
 */
export class PushProgress {
  readonly #name: string;
  readonly #isQuiet: boolean;
  #phase: UploadProgress['phase'] | undefined;
  #phaseSinceMs = performance.now();
  /** What had been done when the phase began: a push that goes on finds some done. */
  #phaseFrom = 0;
  #notedAtMs = performance.now();
  #bar: SingleBar | undefined;

  constructor(name: string, isQuiet: boolean) {
    this.#name = name;
    this.#isQuiet = isQuiet;
  }

  show(progress: UploadProgress): void {
    if (this.#isQuiet) return;
    if (progress.phase !== this.#phase) this.#begin(progress);
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

  #begin(progress: UploadProgress): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#phase = progress.phase;
    this.#phaseSinceMs = performance.now();
    [this.#phaseFrom] = shareOf(progress);
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
    this.#bar.setTotal(total);
    this.#bar.update(value, { text });
  }

  #note(progress: UploadProgress): void {
    if (performance.now() - this.#notedAtMs < NOTE_EVERY_MS) return;
    this.#notedAtMs = performance.now();
    printNote(`${this.#name}: ${this.#textOf(progress)}`);
  }

  #textOf(progress: UploadProgress): string {
    switch (progress.phase) {
      case 'sending': {
        const rate = this.#rateOf(progress.bytes, (bytes) => `${mib(bytes)} MiB/s`);
        return `${mib(progress.bytes)} of ${mib(progress.bytesTotal)} MiB sent${rate}`;
      }
      case 'waiting':
        return 'sent; waiting for its turn';
      case 'applying': {
        const rate = this.#rateOf(progress.rows, (rows) => `${whole(rows)} rows/s`);
        const failed = progress.failed === 0 ? 'none' : whole(progress.failed);
        return `${whole(progress.rows)} rows${rate}, ${failed} failed`;
      }
    }
  }

  /** How much was done a second in this phase; nothing before that can be told. */
  #rateOf(done: number, print: (aSecond: number) => string): string {
    const seconds = (performance.now() - this.#phaseSinceMs) / 1000;
    return seconds < RATE_FROM_SECONDS ? '' : `, ${print((done - this.#phaseFrom) / seconds)}`;
  }
}

function whole(count: number): string {
  return Math.round(count).toLocaleString('en');
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
