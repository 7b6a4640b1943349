/** Runs scripts. `main.ts` starts this program with `hooks.ts` preloaded. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileDisk, Disk } from './disk.ts';
import { generate } from './generate.ts';
import { Run } from './run.ts';
import { shrink } from './shrink.ts';
import { parseScript, type Script } from './steps.ts';
import { VirtualTime } from './virtual-time.ts';

const KEPT = fileURLToPath(new URL('kept', import.meta.url));
const SHRINK_MS = 60_000;
const PROGRESS_MS = 20_000;
/** The number of steps of a script. */
const STEPS = 60;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const nowMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);
const startedMs = nowMs();
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: 'Infinity' },
    commit: { type: 'string', default: 'unknown' },
    /** The file of a script, which is run instead. */
    replay: { type: 'string' },
    /** Stops at the first seed that fails, without reducing its script. */
    brief: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const seeds = Number(values.seeds);
const minutes = Number(values.minutes);
// Real threads have a real clock.
const time = process.env['TORTURE_THREADS'] === undefined ? new VirtualTime() : undefined;
time?.install();
const disk = new Disk(compileDisk());
const folder = mkdtempSync(join(tmpdir(), 'onhand-torture-'));
const totals = { seeds: 0, crashes: 0, kills: 0 };

/** Runs a script; returns why it fails, or undefined if it passes. */
async function failureOf(script: Script): Promise<string | undefined> {
  const run = new Run(disk, time, join(folder, 'onhand.db'), script);
  try {
    await run.run();
    return undefined;
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const where =
      error instanceof Error && process.env['TORTURE_STACK'] !== undefined ? error.stack : '';
    return `step ${run.stepNumber} (${script.steps[run.stepNumber]?.do}): ${what}${where}`;
  } finally {
    totals.crashes += run.crashes;
    totals.kills += run.kills;
  }
}

function report(): string {
  const cpu = process.cpuUsage();
  const seconds = Math.round((nowMs() - startedMs) / 1000);
  return (
    `${totals.seeds} seeds, ${totals.crashes} power cuts, ${totals.kills} kills, ${disk.operations} writes and syncs; ` +
    `${seconds} s, ${Math.round((cpu.user + cpu.system) / 1e6)} s of CPU time`
  );
}

async function reduce(seed: number, script: Script): Promise<void> {
  const endMs = nowMs() + SHRINK_MS;
  const fails = async (shorter: Script): Promise<boolean> =>
    (await failureOf(shorter)) !== undefined;
  const shortest = await shrink(script, fails, () => nowMs() > endMs);
  const file = join(process.cwd(), `torture-${seed}.json`);
  writeFileSync(file, `${JSON.stringify(shortest, null, 1)}\n`);
  say(`  reduced to ${shortest.steps.length} steps: ${await failureOf(shortest)}`);
  say(`  replay it with: npm run torture -- --replay ${file}`);
}

async function replay(file: string): Promise<number> {
  const script = parseScript(readFileSync(file, 'utf8'));
  const failure = await failureOf(script);
  say(failure ?? 'The script passes.');
  return failure === undefined ? 0 : 1;
}

/** Runs the scripts of faults that were found earlier; returns how many fail. */
async function runKept(): Promise<number> {
  let failed = 0;
  for (const name of readdirSync(KEPT)) {
    const failure = await failureOf(parseScript(readFileSync(join(KEPT, name), 'utf8')));
    if (failure === undefined) continue;
    failed += 1;
    say(`${name} fails at ${failure}`);
  }
  return failed;
}

async function runSeeds(): Promise<number> {
  let failed = values.brief ? 0 : await runKept();
  let saidMs = startedMs;
  const endMs = startedMs + minutes * 60_000;
  for (let seed = first; seed < first + seeds && nowMs() < endMs; seed += 1) {
    const script = generate(seed, STEPS);
    const failure = await failureOf(script);
    totals.seeds += 1;
    if (failure !== undefined) {
      failed += 1;
      say(`seed ${seed} of commit ${values.commit} fails at ${failure}`);
      if (values.brief) break;
      await reduce(seed, script);
    }
    if (nowMs() - saidMs > PROGRESS_MS && !values.brief) {
      saidMs = nowMs();
      say(`seed ${seed}: ${report()}`);
    }
  }
  say(
    `${failed === 0 ? 'Nothing was lost' : `${failed} seeds or kept scripts failed`}: ${report()}.`,
  );
  return failed === 0 ? 0 : 1;
}

const code = values.replay === undefined ? await runSeeds() : await replay(values.replay);
rmSync(folder, { recursive: true, force: true });
process.exit(code);
