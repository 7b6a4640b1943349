/** The steps of a script. They are plain data, and any of them can be left out: what they refer to may be missing. */
import type { SafetyLimit } from '../../src/domain/safety-limit.ts';
import type { Inventory } from '../../src/domain/inventory.ts';
import type { ModelLine } from '../store/model.ts';
import type { Fault, Restart } from './disk.ts';

export interface LinesCall {
  readonly do: 'lines';
  readonly supplier: number;
  readonly lines: readonly ModelLine[];
  readonly atomic?: true;
  readonly dryRun?: true;
  /** The default limit of the snapshot. */
  readonly snapshot?: SafetyLimit;
  /** A key, with how long it is valid. The same key comes again, with the same lines or others. */
  readonly key?: { readonly name: string; readonly body: string; readonly validMs: number };
  /** Asks for a confirmation first, and sends it. */
  readonly confirmed?: true;
}

export interface ImportCall {
  readonly do: 'import';
  readonly supplier: number;
  readonly existing: 'update' | 'refuse';
  readonly entries: readonly EntryStep[];
}

export interface EntryStep {
  readonly skuId: string;
  readonly retires?: true;
  /** Indexes of `FORMS`. */
  readonly forms: readonly number[];
  readonly inventory: Partial<Inventory>;
}

export interface RevertCall {
  readonly do: 'revert';
  readonly supplier: number;
  /** Which of the supplier's batches: the last is 0. */
  readonly back: number;
  readonly force?: true;
  readonly dryRun?: true;
}

/** Changes of one supplier's inventory. */
export type WriteCall = LinesCall | ImportCall | RevertCall;

/** What the store does when it opens, and in how small portions. */
export interface Opening {
  readonly recentChangesMax: number;
  readonly largeBatchLines: number;
}

export type Step =
  /** Calls that are made at the same time, of the first or the second process. */
  | { readonly do: 'calls'; readonly calls: readonly WriteCall[]; readonly by?: 'second' }
  /** Batches of several suppliers in one call. */
  | { readonly do: 'group'; readonly batches: readonly LinesCall[]; readonly by?: 'second' }
  | { readonly do: 'limit'; readonly supplier: number; readonly limit: SafetyLimit | null }
  | { readonly do: 'drop'; readonly ageMs: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'probe' }
  /** The follower reads a page; if it forgets, it resumes from where it was. */
  | { readonly do: 'follow'; readonly limit: number; readonly forgets?: true }
  | { readonly do: 'jump'; readonly ms: number }
  | { readonly do: 'idle'; readonly ms: number }
  | { readonly do: 'fault'; readonly kind: Fault; readonly after: number; readonly times: number }
  | {
      readonly do: 'cut';
      readonly after: number;
      readonly again?: number;
      readonly leaves: Restart;
    }
  | { readonly do: 'kill'; readonly after: number; readonly who?: 'second' }
  | { readonly do: 'second' }
  | { readonly do: 'restart' }
  | { readonly do: 'check'; readonly doctor?: true };

export interface Script {
  readonly seed: number;
  /** How the store is opened: one after another, again and again. */
  readonly openings: readonly Opening[];
  readonly steps: readonly Step[];
}

/** Reads a script that was kept as JSON. Throws if it is none. */
export function parseScript(text: string): Script {
  const script: unknown = JSON.parse(text);
  if (!isScript(script)) throw new Error('This is no script of the torture.');
  return script;
}

/** Checks the outline only: scripts are written by the harness. */
function isScript(value: unknown): value is Script {
  if (typeof value !== 'object' || value === null) return false;
  const openings: unknown = Reflect.get(value, 'openings');
  const steps: unknown = Reflect.get(value, 'steps');
  return (
    typeof Reflect.get(value, 'seed') === 'number' &&
    Array.isArray(openings) &&
    Array.isArray(steps) &&
    steps.every((step) => typeof step === 'object' && step !== null && 'do' in step)
  );
}
