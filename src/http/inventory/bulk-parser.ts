import type { Lines } from '../../domain/lines.ts';
import { parsingBulk, type BulkTerms } from '../../wire/lines/bulk-body.ts';
import { decodeUtf8 } from '../../wire/utf8.ts';
import {
  LinesReceiver,
  moveColumns,
  sendTexts,
  type LineColumns,
  type LinesHost,
} from '../../workers/lines-transfer.ts';
import type { WorkerPool } from '../../workers/pool.ts';
import type { Task } from '../../workers/serve.ts';
import { runYielding } from '../request/admission.ts';

/** The body of a bulk update, to be parsed in a worker thread. */
interface BulkBody {
  readonly bytes: Uint8Array;
  readonly terms: BulkTerms;
}

/** What was parsed. The body comes back, since moving it leaves the main thread without. */
interface ParsedColumns {
  readonly columns: LineColumns;
  readonly bytes: Uint8Array;
}

/** What worker threads do with bodies. */
export interface BodyTasks {
  readonly parseBulk: Task<BulkBody, LinesHost, ParsedColumns>;
}

/** The tasks, for the program of a worker thread. */
export const bodyTasks: BodyTasks = {
  parseBulk: async ({ bytes, terms }, host) => {
    const parsing = parsingBulk(decodeUtf8(bytes), terms);
    for (;;) {
      const step = parsing.next();
      if (step.done !== true) continue;
      const columns = await sendTexts(step.value, host);
      return moveColumns({ columns, bytes }, columns, [bytes]);
    }
  },
};

/** The lines of a bulk update, and its body. */
export interface ParsedBulk {
  readonly lines: Lines;
  readonly body: string | Uint8Array;
}

/** Larger bodies are parsed in a worker thread: `JSON.parse` takes longer for them than the others may wait. */
const LARGE_BODY_BYTES = 1_048_576;

/** Parses the bodies of bulk updates, the large ones in worker threads. */
export class BulkParser {
  readonly #workers: WorkerPool<BodyTasks>;

  constructor(workers: WorkerPool<BodyTasks>) {
    this.#workers = workers;
  }

  /** Rejects as `parsingBulk` does, and with `too_costly`. */
  async parse(
    bytes: Buffer | undefined,
    terms: BulkTerms,
    organizationId: number,
  ): Promise<ParsedBulk> {
    if (bytes === undefined || bytes.length <= LARGE_BODY_BYTES) {
      const body = bytes === undefined ? '' : decodeUtf8(bytes);
      return { lines: await runYielding(parsingBulk(body, terms)), body };
    }
    const { buffer } = bytes;
    if (!(buffer instanceof ArrayBuffer)) throw new Error('a body is in memory of its own');
    const receiver = new LinesReceiver();
    const parsed = await this.#workers.run(
      'parseBulk',
      { bytes, terms },
      { organizationId, host: receiver, buffers: [buffer] },
    );
    return { lines: receiver.take(parsed.columns), body: parsed.bytes };
  }
}
