/** What a thread that reads inputs is told. */
export interface WorkerRequest {
  readonly name: string;
  readonly seed: number;
  /** When it ends, in milliseconds since 1970-01-01T00:00Z. */
  readonly endsAtMs: number;
  readonly inputsMax: number;
  /** Whether the corpus is written at the end. */
  readonly isSaved: boolean;
  /** How many inputs were begun, the length of the current one, and its bytes: what a thread that hangs was reading. */
  readonly current: SharedArrayBuffer;
}

/** Whether this is what `main.ts` passes to the thread. */
export function isRequest(value: unknown): value is WorkerRequest {
  return typeof value === 'object' && value !== null && 'current' in value;
}

/** What it reports. */
export interface WorkerReport {
  readonly finding?: string;
  readonly progress?: {
    readonly inputs: number;
    readonly corpus: number;
    /** Characters of code that have run. */
    readonly covered: number;
  };
}
