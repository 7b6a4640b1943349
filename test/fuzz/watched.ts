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

/** The request, as `main.ts` passes it to the thread. */
export function requestOf(workerData: WorkerRequest): WorkerRequest {
  return workerData;
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
