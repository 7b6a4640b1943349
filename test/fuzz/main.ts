/**
 * `npm run fuzz -- --target NAME --minutes T --seed N`: reads mutated inputs, guided by coverage. Exits with 1 if one of
 * them breaks a promise.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { parseInput, printInput } from './corpus.ts';
import { failureOf } from './fuzzer.ts';
import { INPUT_BYTES_MAX } from './mutation.ts';
import { TARGET_NAMES, targetNamed } from './targets.ts';
import type { WorkerReport, WorkerRequest } from './watched.ts';

/** A thread that takes this long for one input is ended. On a busy machine, this is far more than its CPU time. */
const HANGS_AFTER_MS = 60_000;
const HEAP_MIB_MAX = 512;

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'all' },
    minutes: { type: 'string', default: '1' },
    inputs: { type: 'string', default: 'Infinity' },
    seed: { type: 'string' },
    input: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
});

/** Runs one target in a thread; returns the number of inputs and of findings. */
async function fuzz(
  name: string,
  seed: number,
): Promise<{ readonly inputs: number; readonly findings: number }> {
  const current = new SharedArrayBuffer(8 + INPUT_BYTES_MAX);
  const workerData: WorkerRequest = {
    name,
    seed,
    endsAtMs: Date.now() + Number(values.minutes) * 60_000,
    inputsMax: Number(values.inputs),
    isSaved: values.save,
    current,
  };
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });
  let inputs = 0;
  let findings = 0;
  const found = (what: string): void => {
    findings += 1;
    process.stderr.write(`${name}: ${what}\n`);
  };
  const shown = (): string => {
    const [, length = 0] = new Int32Array(current, 0, 2);
    return printInput(Buffer.from(new Uint8Array(current, 8, Math.min(length, INPUT_BYTES_MAX))));
  };
  worker.on('message', ({ finding, progress }: WorkerReport) => {
    if (finding !== undefined) found(finding);
    if (progress === undefined) return;
    ({ inputs } = progress);
    process.stderr.write(
      `${name}: ${inputs} inputs, ${progress.corpus} kept, ${progress.covered} characters of code\n`,
    );
  });
  const watch = setInterval(() => {
    const [begun = 0] = new Int32Array(current, 0, 1);
    if (begun !== lastBegun) [lastBegun, sinceMs] = [begun, Date.now()];
    else if (Date.now() - sinceMs > HANGS_AFTER_MS && begun > 0) {
      found(`reading hangs\n  input: ${shown()}`);
      void worker.terminate();
    }
  }, 1000);
  let [lastBegun, sinceMs] = [0, Date.now()];
  await new Promise<void>((resolve) => {
    worker.on('error', (error: Error) =>
      found(`${error.stack ?? error.message}\n  input: ${shown()}`),
    );
    worker.on('exit', () => resolve());
  });
  clearInterval(watch);
  return { inputs, findings };
}

async function main(): Promise<void> {
  const names = values.target === 'all' ? TARGET_NAMES : values.target.split(',');
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  if (values.input !== undefined) {
    const [name = ''] = names;
    const target = await targetNamed(name);
    const failure = await failureOf(target, parseInput(values.input));
    process.stdout.write(`${failure ?? 'The input breaks no promise.'}\n`);
    await target.close?.();
    process.exitCode = failure === undefined ? 0 : 1;
    return;
  }
  process.stderr.write(`fuzzing ${names.join(', ')} with seed ${seed}\n`);
  let findings = 0;
  for (const name of names) {
    const done = await fuzz(name, seed);
    findings += done.findings;
    process.stdout.write(`${name}: ${done.inputs} inputs, ${done.findings} findings\n`);
  }
  process.exitCode = findings === 0 ? 0 : 1;
}

await main();
