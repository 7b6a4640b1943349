/** The thread that reads inputs; `main.ts` watches it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage.ts';
import { printInput, readCorpus, writeCorpus } from './corpus.ts';
import type { Finding } from './fuzzer.ts';
import { isRequest } from './watched.ts';

// The readers are loaded only after coverage has begun.
const coverage = new Coverage();
const { Fuzzer } = await import('./fuzzer.ts');
const { targetNamed } = await import('./targets.ts');

/** The most by which memory in use may grow after the first inputs of a run, in MiB. */
const GROWTH_MIB_MAX = 64;
const WARM_UP_INPUTS = 20_000;
const REPORT_EVERY_MS = 10_000;

const given: unknown = workerData;
if (!isRequest(given)) throw new Error('main.ts starts this thread');
const { name, seed, endsAtMs, inputsMax, isSaved, current } = given;
const target = await targetNamed(name);
const bytes = new Uint8Array(current);
const heartbeat = new Int32Array(current, 0, 2);

const findings: Finding[] = [];
const fuzzer = new Fuzzer(target, {
  seed,
  coverage,
  onInput: (input) => {
    bytes.set(input.subarray(0, bytes.length - 8), 8);
    heartbeat[1] = input.length;
    Atomics.add(heartbeat, 0, 1);
  },
  onFinding: (finding) => {
    findings.push(finding);
    parentPort?.postMessage({
      finding: `${finding.message}\n  input: ${printInput(finding.input)}`,
    });
  },
});

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** Memory in use after a garbage collection, in MiB. */
function memoryMib(): number {
  if (typeof collect === 'function') Reflect.apply(collect, undefined, []);
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 ** 2;
}

await fuzzer.begin([...target.seeds.map((one) => Buffer.from(one)), ...readCorpus(name)]);
let beforeMib: number | undefined;
let reportAtMs = Date.now() + REPORT_EVERY_MS;
const report = (): void =>
  parentPort?.postMessage({
    progress: { inputs: fuzzer.count, corpus: fuzzer.corpusSize, covered: coverage.size },
  });
while (Date.now() < endsAtMs && fuzzer.count < inputsMax) {
  await fuzzer.step();
  if (fuzzer.count > WARM_UP_INPUTS) beforeMib ??= memoryMib();
  if (Date.now() > reportAtMs) {
    report();
    reportAtMs = Date.now() + REPORT_EVERY_MS;
  }
}
const afterMib = memoryMib();
if (beforeMib !== undefined && afterMib - beforeMib > GROWTH_MIB_MAX) {
  const message = `memory grew from ${Math.round(beforeMib)} to ${Math.round(afterMib)} MiB`;
  parentPort?.postMessage({ finding: message });
}
report();
if (isSaved) writeCorpus(name, await fuzzer.smallestCorpus());
await target.close?.();
coverage.stop();
