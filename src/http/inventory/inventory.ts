import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Intake } from '../../intake/intake.ts';
import { isJsonObject, parseBody } from '../../wire/json.ts';
import { BulkSchema, LineSchema, parseLine } from '../../wire/lines/lines.ts';
import {
  BulkResultsSchema,
  LineResultSchema,
  printResults,
  printSuccess,
  resultOfLine,
  SuccessSchema,
} from '../../wire/lines/results.ts';
import {
  BulkQuerySchema,
  SingleQuerySchema,
  WriteHeadersSchema,
} from '../../wire/inventory/write-parameters.ts';
import { wrongShape } from '../../wire/lines/bulk-body.ts';
import { NDJSON_MEDIA_TYPE } from '../../wire/lines/ndjson.ts';
import {
  JSON_MEDIA_TYPE,
  readBody,
  readBodyBytes,
  readMediaType,
  type ServerBodyLimits,
  smallBodyLimits,
} from '../request/body.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { sendProblem } from '../problems.ts';
import { noteLines } from '../request/request-log.ts';
import { sendJsonParts } from '../request/reply.ts';
import { printInSlices } from '../request/slices.ts';
import { addResource } from '../request/resource.ts';
import type { Streams } from '../streams/streams.ts';
import type { BulkParser } from './bulk-parser.ts';
import type { BatchSubmitter, Submitted } from './batch-submitter.ts';
import { readBulkOptions, readSingleOptions, type WriteOptions } from './write-options.ts';

interface InventoryRoutes {
  readonly admission: Admission;
  readonly intake: Pick<Intake, 'admit'>;
  readonly submitter: BatchSubmitter;
  readonly streams: Streams;
  readonly parser: BulkParser;
  readonly limits: ServerBodyLimits;
}

const LINE_EXPECTED = 'one line as a JSON object such as {"sku_id": "A-1", "quantity_in_stock": 5}';
const BULK_MEDIA_TYPES = [JSON_MEDIA_TYPE, NDJSON_MEDIA_TYPE];
const OK = 200;
const NOT_A_SUPPLIER_OR_IN_PROGRESS =
  'The token does not belong to a supplier, or a request with the same key is in progress.';

/** Adds the routes that update inventory: in bulk, and one SKU at a time. */
export function addInventory(
  app: FastifyInstance,
  { admission, intake, submitter, streams, parser, limits }: InventoryRoutes,
): void {
  const { linesMax, membersMax, textBytesMax, formBytesMax } = limits;
  const jsonLimits = { linesMax, membersMax, textBytesMax, formBytesMax };
  const guard = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    await admission.admit(request, reply, 'editor');
    intake.admit(admission.principalOf(request).organizationId);
  };

  /** Sets the headers that describe the batch; `Dry-Run` even if the batch is refused. */
  const submit = async (
    request: FastifyRequest,
    reply: FastifyReply,
    write: Parameters<BatchSubmitter['submit']>[1],
  ): Promise<Submitted> => {
    if (write.options.dryRun) reply.header('dry-run', 'true');
    const submitted = await submitter.submit(request, write);
    reply.headers(submitted.headers);
    return submitted;
  };

  const updateMany = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    if (readMediaType(request.headers['content-type'], BULK_MEDIA_TYPES) === NDJSON_MEDIA_TYPE) {
      return streams.handle(request, reply);
    }
    const bytes = await readBodyBytes(request, limits);
    const options = readBulkOptions(request, submitter.asOfRules());
    setPreferenceApplied(reply, options);
    const { organizationId } = admission.principalOf(request);
    const terms = { limits: jsonLimits, asOf: options.asOf };
    const { lines, body } = await parser.parse(bytes, terms, organizationId);
    request.openRequest?.reserveFailures(lines.refusals.size);
    const submitted = await submit(request, reply, { source: 'bulk', body, lines, options });
    const results = await printInSlices(printResults(submitted.lines, submitted.outcome, options));
    const failed = results.value;
    reply.header('lines-succeeded', lines.count - failed);
    reply.header('lines-failed', failed);
    noteLines(request, lines.count, failed);
    return sendJsonParts(request, reply, results);
  };

  const updateOne = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = (await readBody(request, smallBodyLimits(limits))) ?? '';
    const options = readSingleOptions(request, submitter.asOfRules());
    setPreferenceApplied(reply, options);
    const { value, text } = parseBody(body, LINE_EXPECTED);
    if (!isJsonObject(value)) throw wrongShape(LINE_EXPECTED, value);
    const lines = parseLine(value, text, options.asOf);
    const { outcome } = await submit(request, reply, { source: 'single', body, lines, options });
    const { status, message } = resultOfLine(lines, outcome);
    noteLines(request, 1, status === OK ? 0 : 1);
    if (status === OK) return reply.type('application/json').send(printSuccess(outcome));
    const requestId = outcome.repeats ?? request.id;
    return sendProblem(request, reply, { code: 'line_failed', status, message, requestId });
  };

  addResource(app, '/timp/products/skus/inventory/bulk/', {
    POST: {
      schema: describe({
        group: 'Inventory',
        operationId: 'updateInventoryInBulk',
        summary: "Set many SKUs' inventory; each line gets its own result",
        query: BulkQuerySchema,
        headers: WriteHeadersSchema,
        description: `With \`Content-Type: ${NDJSON_MEDIA_TYPE}\` lines and results are rows, one JSON object each, and there is no limit to their number.`,
        body: BulkSchema,
        rows: { mediaType: NDJSON_MEDIA_TYPE, body: LineSchema, ok: LineResultSchema },
        ok: BulkResultsSchema,
        access: 'editor',
        problems: {
          409: NOT_A_SUPPLIER_OR_IN_PROGRESS,
          422: 'The key was used for a different request, or a safety limit refuses the batch.',
        },
      }),
      guard,
      handle: updateMany,
    },
  });
  addResource(app, '/timp/products/skus/inventory/', {
    POST: {
      schema: describe({
        group: 'Inventory',
        operationId: 'updateInventory',
        summary: "Set one SKU's inventory",
        query: SingleQuerySchema,
        headers: WriteHeadersSchema,
        body: LineSchema,
        ok: SuccessSchema,
        access: 'editor',
        problems: {
          404: 'No SKU matches.',
          409: NOT_A_SUPPLIER_OR_IN_PROGRESS,
          412: 'A condition of the line is not met.',
          422: 'More than one SKU matches, or the change is impossible; or the key was used for a different request, or a safety limit refuses the batch.',
        },
      }),
      guard,
      handle: updateOne,
    },
  });
}

function setPreferenceApplied(reply: FastifyReply, { preference }: WriteOptions): void {
  if (preference !== undefined) reply.header('preference-applied', preference);
}
