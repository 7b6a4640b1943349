import { crc32 } from 'node:zlib';
import { Random } from '../random.ts';
import type { Coverage, Covered } from './coverage.ts';
import { mutate } from './mutation.ts';
import { Disagreement, type Target } from './target.ts';

/** An input that broke a promise. */
export interface Finding {
  readonly input: Buffer;
  readonly message: string;
}

/** The most CPU time that reading one input may take, in milliseconds. */
const INPUT_CPU_MS_MAX = 1000;
const BATCH_MIN = 8;
const BATCH_MAX = 512;
/** How many inputs of a batch are compared with another process, which is slower than reading them. */
const COMPARED_OF_BATCH = 32;

/** Settings and callbacks of a run. */
export interface FuzzOptions {
  readonly seed: number;
  readonly coverage: Coverage;
  /** Called before each input, so that a watcher knows what hangs. */
  readonly onInput: (input: Buffer) => void;
  readonly onFinding: (finding: Finding) => void;
}

/** Mutates inputs, and keeps those that run code which no other input ran. */
export class Fuzzer {
  /** Inputs that were read; repetitions are not counted. */
  count = 0;
  readonly #target: Target;
  readonly #options: FuzzOptions;
  readonly #random: Random;
  readonly #corpus: Buffer[] = [];
  /** The findings so far, by their message without the varying parts. */
  readonly #found = new Set<string>();
  #batchSize = BATCH_MIN;

  constructor(target: Target, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  get corpusSize(): number {
    return this.#corpus.length;
  }

  /** Reads the inputs that a run begins with, all of which it keeps. */
  async begin(inputs: readonly Buffer[]): Promise<void> {
    this.#corpus.push(...inputs);
    this.count += inputs.length;
    this.#options.coverage.add(await this.#cover(inputs));
  }

  /** The inputs that are worth keeping: each runs code that no shorter one runs. */
  async smallestCorpus(): Promise<readonly Buffer[]> {
    const { coverage } = this.#options;
    const kept: Buffer[] = [];
    coverage.forget();
    for (const input of this.#corpus.toSorted((a, b) => a.length - b.length)) {
      const covered = await this.#cover([input]);
      if (!coverage.isNew(covered)) continue;
      coverage.add(covered);
      kept.push(input);
    }
    return kept;
  }

  /** Reads a batch of new inputs. */
  async step(): Promise<void> {
    const pool = { tokens: this.#target.tokens, inputs: this.#corpus };
    const batch = Array.from({ length: this.#batchSize }, () =>
      mutate(this.#random.pick(this.#corpus), this.#random, pool),
    );
    const isNew = await this.#try(batch);
    this.#batchSize = isNew
      ? Math.max(BATCH_MIN, this.#batchSize >> 1)
      : Math.min(BATCH_MAX, this.#batchSize * 2);
    await this.#compare(batch.slice(0, COMPARED_OF_BATCH));
  }

  async #try(batch: readonly Buffer[]): Promise<boolean> {
    this.count += batch.length;
    const covered = await this.#cover(batch);
    const { coverage } = this.#options;
    if (!coverage.isNew(covered)) return false;
    await this.#keep(batch, covered);
    // What ran only once, such as the first use of a cache, does not run again when it is searched for.
    coverage.add(covered);
    return true;
  }

  /** Finds the inputs that run new code, by bisection. */
  async #keep(batch: readonly Buffer[], covered: Covered): Promise<void> {
    const { coverage } = this.#options;
    if (!coverage.isNew(covered)) return;
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      coverage.add(covered);
      this.#corpus.push(only);
      return;
    }
    const middle = batch.length >> 1;
    for (const half of [batch.slice(0, middle), batch.slice(middle)])
      await this.#keep(half, await this.#cover(half));
  }

  async #cover(batch: readonly Buffer[]): Promise<Covered> {
    for (const input of batch) await this.#run(input);
    return this.#options.coverage.take();
  }

  async #run(input: Buffer): Promise<void> {
    this.#options.onInput(input);
    const { failure, cpuMs } = await this.#timed(input);
    if (failure !== undefined) await this.#report(input, failure);
    if (cpuMs <= INPUT_CPU_MS_MAX) return;
    // The first use of a cache takes longer.
    const again = await this.#timed(input);
    if (again.cpuMs > INPUT_CPU_MS_MAX)
      await this.#report(input, `reading took ${Math.round(again.cpuMs)} ms of CPU time`);
  }

  async #timed(
    input: Buffer,
  ): Promise<{ readonly failure: string | undefined; readonly cpuMs: number }> {
    const before = process.threadCpuUsage();
    const failure = await failureOf(this.#target, input);
    const { user, system } = process.threadCpuUsage(before);
    return { failure, cpuMs: (user + system) / 1000 };
  }

  async #compare(inputs: readonly Buffer[]): Promise<void> {
    try {
      await this.#target.compare?.(inputs);
    } catch (error) {
      if (!(error instanceof Disagreement) || error.input === undefined) throw error;
      const key = keyOf(error.message);
      if (this.#found.has(key)) return;
      this.#found.add(key);
      this.#options.onFinding({ input: error.input, message: error.message });
    }
  }

  async #report(input: Buffer, message: string): Promise<void> {
    const key = keyOf(message);
    if (this.#found.has(key)) return;
    this.#found.add(key);
    const smallest = await reduced(input, async (candidate) => {
      const failure = await failureOf(this.#target, candidate);
      return failure !== undefined && keyOf(failure) === key;
    });
    this.#options.onFinding({
      input: smallest,
      message: (await failureOf(this.#target, smallest)) ?? message,
    });
  }
}

/** Why reading an input failed; undefined if it did not. */
export async function failureOf(target: Target, input: Buffer): Promise<string | undefined> {
  try {
    await target.run(input, new Random(crc32(input)));
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return error instanceof Disagreement ? error.message : (error.stack ?? error.message);
  }
}

/** Equal for inputs that show the same fault: the first line without numbers and quoted texts, and the place. */
function keyOf(message: string): string {
  const [first = '', second = ''] = message.split('\n');
  const place =
    /\n\s+at .*\/src\/(\S+)/.exec(message)?.[1] ?? (first.includes(':') ? '' : second.slice(0, 24));
  return `${first.replaceAll(/[0-9]+|"[^"]*"/g, '#').slice(0, 80)} ${place}`;
}

/** Removes parts of an input as long as it still fails. */
async function reduced(
  input: Buffer,
  fails: (candidate: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let smallest = input;
  for (let size = input.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= smallest.length;) {
      const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (await fails(candidate)) smallest = candidate;
      else at += size;
    }
  }
  return smallest;
}
