/** `npm run torture`: the command line. Each run is a process of its own, since it changes the sources that it loads. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileDisk, NoCompilerError } from './disk.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';

const HELP = `npm run torture -- [options]

Runs the SQLite store on a disk that loses power, in scripts drawn from seeds, and compares it with a model.

  --seed N        the first seed (default: a random one, which is printed)
  --seeds M       how many seeds (default: 100, or as many as fit in --minutes)
  --minutes T     stop after this time
  --threads       run the store's threads as threads, on the real clock: slower, and not exactly repeatable
  --bugs [NAME]   plant each bug, or only this one, and check that it is found
  --replay FILE   run the script that a failed seed was reduced to
`;

const HOOKS = fileURLToPath(new URL('hooks.ts', import.meta.url));
const TORTURE = fileURLToPath(new URL('torture.ts', import.meta.url));
const SEEDS_OF_BUG = 400;
const SHOWN_MAX = 200;

interface Task {
  readonly seed: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly commit: string;
  readonly replay?: string | undefined;
  readonly isBrief?: boolean;
}

function argumentsOf({ replay, isBrief, ...numbers }: Task): readonly string[] {
  const options = Object.entries(numbers).map(([name, value]) => `--${name}=${value}`);
  if (replay !== undefined) options.push(`--replay=${replay}`);
  return isBrief === true ? [...options, '--brief'] : options;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

/** Runs a task in a child process. Resolves with its exit code and, if it is quiet, its output. */
async function run(task: Task, environment: Record<string, string>, isQuiet = false) {
  const child = spawn(process.execPath, ['--import', HOOKS, TORTURE, ...argumentsOf(task)], {
    stdio: ['ignore', isQuiet ? 'pipe' : 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  let printed = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    printed += bytes.toString();
  });
  await once(child, 'close');
  return { code: child.exitCode ?? 1, printed };
}

interface Finding {
  readonly seed: number;
  readonly printed: string;
}

/**
 * Returns the first seed that fails with a planted bug and passes without it; undefined if none of `SEEDS_OF_BUG` does.
 * Throws if a run ends before it has tried its seeds.
 */
async function findBug(name: string, base: Task): Promise<Finding | undefined> {
  const end = base.seed + SEEDS_OF_BUG;
  for (let from = base.seed; from < end;) {
    const task = { ...base, seed: from, seeds: end - from, isBrief: true };
    const { code: planted, printed } = await run(task, { TORTURE_BUG: name }, true);
    if (planted === 0) return undefined;
    const seed = Number(/^seed (\d+) /.exec(printed)?.[1] ?? Number.NaN);
    if (Number.isNaN(seed)) throw new Error(`the run with ${name} ended without a result`);
    const { code } = await run({ ...task, seed, seeds: 1 }, {}, true);
    if (code === 0) return { seed, printed };
    say(`Seed ${seed} fails without a planted bug too.`);
    from = seed + 1;
  }
  return undefined;
}

/** Plants each bug; returns 1 if one is not found. */
async function plantBugs(names: readonly string[], base: Task): Promise<number> {
  let found = 0;
  const chosen = PLANTED_BUGS.filter(({ name }) => names.length === 0 || names.includes(name));
  for (const { name } of chosen) {
    const finding = await findBug(name, base);
    if (finding === undefined) {
      say(`${name}: NOT FOUND in ${SEEDS_OF_BUG} seeds`);
      continue;
    }
    found += 1;
    const { seed, printed } = finding;
    const what = printed.split('\n')[0]?.replace(/^seed.*? fails at /, '') ?? '';
    say(`${name}: found after ${seed - base.seed + 1} seeds. ${what.slice(0, SHOWN_MAX)}`);
  }
  say(`${found} of ${chosen.length} planted bugs found, from seed ${base.seed} on.`);
  return found === chosen.length ? 0 : 1;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    threads: { type: 'boolean' },
    bugs: { type: 'boolean' },
    replay: { type: 'string' },
    help: { type: 'boolean' },
  },
});

async function main(): Promise<number> {
  if (values.help === true) {
    say(HELP);
    return 0;
  }
  try {
    compileDisk();
  } catch (error) {
    if (!(error instanceof NoCompilerError)) throw error;
    say(error.message);
    return 2;
  }
  const minutes = Number(values.minutes ?? Infinity);
  const task: Task = {
    seed: Number(values.seed ?? (values.bugs === true ? 1 : Math.floor(Math.random() * 1e9))),
    seeds: Number(values.seeds ?? (values.minutes === undefined ? 100 : 1e9)),
    minutes,
    commit: commit(),
    replay: values.replay,
  };
  if (values.bugs === true) return plantBugs(positionals, task);
  say(`Commit ${task.commit}, from seed ${task.seed} on.`);
  return (await run(task, values.threads === true ? { TORTURE_THREADS: '1' } : {})).code;
}

process.exitCode = await main();
