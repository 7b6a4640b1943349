/** Parses the bodies of bulk updates in a worker thread. Nothing of Fastify is loaded there. */
import { parsingBulk, type BulkTerms } from '../../wire/lines/bulk-body.ts';
import { decodeUtf8 } from '../../wire/utf8.ts';
import {
  moveColumns,
  sendTexts,
  type LineColumns,
  type LinesHost,
} from '../../workers/lines-transfer.ts';
import type { Task } from '../../workers/serve.ts';

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
