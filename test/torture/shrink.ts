/** Reduces a script that fails to a short one that still fails. */
import type { Script, Step } from './steps.ts';

/** Whether a script fails. */
export type Fails = (script: Script) => Promise<boolean>;

/**
 * Leaves out as many steps as possible, then calls, then lines, until nothing can be left out or the time is over. The
 * script that it returns fails.
 */
export async function shrink(script: Script, fails: Fails, isOver: () => boolean): Promise<Script> {
  let smallest = script;
  for (let size = -1; size !== sizeOf(smallest) && !isOver();) {
    size = sizeOf(smallest);
    const steps = await without(
      smallest.steps,
      (kept) => fails({ ...smallest, steps: kept }),
      isOver,
    );
    smallest = { ...smallest, steps };
    for (let i = 0; i < smallest.steps.length && !isOver(); i += 1) {
      for (const list of LISTS) smallest = await shrinkList(smallest, i, list, fails, isOver);
    }
  }
  return smallest;
}

function sizeOf(script: Script): number {
  return JSON.stringify(script.steps).length;
}

/** Leaves out halves, quarters and so on of a list, as long as what is left passes the test. */
async function without<T>(
  list: readonly T[],
  test: (kept: readonly T[]) => Promise<boolean>,
  isOver: () => boolean,
): Promise<readonly T[]> {
  let kept = list;
  for (
    let size = Math.ceil(kept.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = kept.length - size; from > -size && !isOver(); from -= size) {
      const less = [...kept.slice(0, Math.max(0, from)), ...kept.slice(Math.max(0, from) + size)];
      if (less.length < kept.length && (await test(less))) kept = less;
    }
  }
  return kept;
}

/** A list inside a step: its length, and the step with some of its elements only. */
interface StepList {
  readonly length: (step: Step) => number;
  readonly keep: (step: Step, kept: ReadonlySet<number>) => Step;
}

function chosen<T>(list: readonly T[], kept: ReadonlySet<number>): readonly T[] {
  return list.filter((_, i) => kept.has(i));
}

const LISTS: readonly StepList[] = [
  {
    length: (step) => (step.do === 'calls' ? step.calls.length : 0),
    keep: (step, kept) =>
      step.do === 'calls' ? { ...step, calls: chosen(step.calls, kept) } : step,
  },
  {
    length: (step) => (step.do === 'group' ? step.batches.length : 0),
    keep: (step, kept) =>
      step.do === 'group' ? { ...step, batches: chosen(step.batches, kept) } : step,
  },
  ...[0, 1, 2].flatMap((i): readonly StepList[] => [
    {
      length: (step) => {
        const call = step.do === 'calls' ? step.calls[i] : undefined;
        if (call?.do === 'lines') return call.lines.length;
        return call?.do === 'import' ? call.entries.length : 0;
      },
      keep: (step, kept) => {
        if (step.do !== 'calls') return step;
        const calls = step.calls.map((call, at) => {
          if (at !== i || call.do === 'revert') return call;
          return call.do === 'lines'
            ? { ...call, lines: chosen(call.lines, kept) }
            : { ...call, entries: chosen(call.entries, kept) };
        });
        return { ...step, calls };
      },
    },
    {
      length: (step) => (step.do === 'group' ? (step.batches[i]?.lines.length ?? 0) : 0),
      keep: (step, kept) => {
        if (step.do !== 'group') return step;
        const batches = step.batches.map((batch, at) =>
          at === i ? { ...batch, lines: chosen(batch.lines, kept) } : batch,
        );
        return { ...step, batches };
      },
    },
  ]),
];

async function shrinkList(
  script: Script,
  i: number,
  { length, keep }: StepList,
  fails: Fails,
  isOver: () => boolean,
): Promise<Script> {
  const step = script.steps[i];
  if (step === undefined || length(step) === 0) return script;
  const keeping = (places: readonly number[]): Script => {
    const shorter = keep(step, new Set(places));
    return { ...script, steps: script.steps.map((other, at) => (at === i ? shorter : other)) };
  };
  const all = Array.from({ length: length(step) }, (_, place) => place);
  return keeping(await without(all, (kept) => fails(keeping(kept)), isOver));
}
