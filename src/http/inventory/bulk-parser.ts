import { OnhandError } from '../../domain/errors.ts';
import type { Lines } from '../../domain/lines.ts';
import { parsingBulk, type BulkTerms } from '../../wire/lines/bulk-body.ts';
import { decodeUtf8 } from '../../wire/utf8.ts';
import { LinesReceiver } from '../../workers/lines-transfer.ts';
import { WorkerEnded, type WorkerPool } from '../../workers/pool.ts';
import { runYielding, sliceTurn } from '../request/slices.ts';
import type { BodyTasks } from './bulk-task.ts';

/** The lines of a bulk update, and its body. */
export interface ParsedBulk {
  readonly lines: Lines;
  readonly body: string | Uint8Array;
}

/** Larger bodies are parsed in a worker thread: `JSON.parse` takes longer for them than the others may wait. */
const LARGE_BODY_BYTES = 1_048_576;
/** Shorter bodies are parsed at once: it takes about a millisecond. */
const SHORT_BODY_BYTES = 64 * 1024;

/** Parses the bodies of bulk updates, the large ones in worker threads. */
export class BulkParser {
  readonly #workers: WorkerPool<BodyTasks>;

  constructor(workers: WorkerPool<BodyTasks>) {
    this.#workers = workers;
  }

  /** Rejects as `parsingBulk` does, with `too_costly`, and with `overloaded` if a worker thread ended. */
  async parse(
    bytes: Buffer | undefined,
    terms: BulkTerms,
    organizationId: number,
  ): Promise<ParsedBulk> {
    if (bytes === undefined || bytes.length <= LARGE_BODY_BYTES) {
      if (bytes !== undefined && bytes.length > SHORT_BODY_BYTES) await sliceTurn();
      const body = bytes === undefined ? '' : decodeUtf8(bytes);
      return { lines: await runYielding(parsingBulk(body, terms)), body };
    }
    const { buffer } = bytes;
    if (!(buffer instanceof ArrayBuffer)) throw new Error('a body is in memory of its own');
    const receiver = new LinesReceiver();
    const run = { organizationId, host: receiver, buffers: [buffer] };
    try {
      const parsed = await this.#workers.run('parseBulk', { bytes, terms }, run);
      return { lines: receiver.take(parsed.columns), body: parsed.bytes };
    } catch (error) {
      throw error instanceof WorkerEnded ? notParsed(error) : error;
    }
  }
}

/** The body is gone with the thread that it was moved to. */
function notParsed(cause: WorkerEnded): OnhandError {
  return new OnhandError(
    'overloaded',
    'The body could not be parsed, because a thread of the server ended. Nothing of this request was applied; send it again.',
    { cause },
  );
}
