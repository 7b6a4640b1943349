/** The steps of a script: plain data. Any step can be left out, since a step whose object is missing does nothing. */
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
  /** An idempotency key. Other calls have the same key, with the same lines or others. */
  readonly key?: { readonly name: string; readonly body: string; readonly validMs: number };
  /** Requests a confirmation code first, and sends it. */
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
  /** How many batches before the supplier's last one; 0 is the last. */
  readonly back: number;
  readonly force?: true;
  readonly dryRun?: true;
}

/** Changes of one supplier's inventory. */
export type WriteCall = LinesCall | ImportCall | RevertCall;

/** Settings with which the store is opened. */
export interface Opening {
  readonly recentChangesMax: number;
  readonly largeBatchLines: number;
}

export type Step =
  /** Calls at the same time, to the first or the second process. */
  | { readonly do: 'calls'; readonly calls: readonly WriteCall[]; readonly by?: 'second' }
  /** Batches of several suppliers in one call. */
  | { readonly do: 'group'; readonly batches: readonly LinesCall[]; readonly by?: 'second' }
  | { readonly do: 'limit'; readonly supplier: number; readonly limit: SafetyLimit | null }
  | { readonly do: 'drop'; readonly ageMs: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'probe' }
  /** The follower reads a page; if it forgets the page, it reads from the same cursor again. */
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
  /** Used in turn, each time the store is opened. */
  readonly openings: readonly Opening[];
  readonly steps: readonly Step[];
}

/** Parses a script from JSON. Throws if the text is not a script. */
export function parseScript(text: string): Script {
  const script: unknown = JSON.parse(text);
  if (!isScript(script)) throw new Error('This file is not a script of the torture.');
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
