/** What `main.ts` passes to the thread that reads inputs. */
export interface WorkerRequest {
  readonly name: string;
  readonly seed: number;
  /** When the run ends, in milliseconds since 1970-01-01T00:00Z. */
  readonly endsAtMs: number;
  readonly inputsMax: number;
  /** Whether the corpus is written at the end. */
  readonly isSaved: boolean;
  /**
   * Two 32-bit integers, the number of inputs begun and the length of the current one, then its bytes. If the thread
   * hangs, `main.ts` prints them.
   */
  readonly current: SharedArrayBuffer;
}

/** Whether this is what `main.ts` passes to the thread. */
export function isRequest(value: unknown): value is WorkerRequest {
  return typeof value === 'object' && value !== null && 'current' in value;
}

/** What the thread reports to `main.ts`. */
export interface WorkerReport {
  readonly finding?: string;
  readonly progress?: {
    readonly inputs: number;
    readonly corpus: number;
    /** Characters of code that have run. */
    readonly covered: number;
  };
}
