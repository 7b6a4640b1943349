import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import type { Intake } from '../../intake/intake.ts';
import { isJsonObject, parseBody } from '../../wire/json.ts';
import { quoteValue } from '../../wire/validation-messages.ts';
import { BulkSchema, LineSchema, parseLine, parsingLines } from '../../wire/lines/lines.ts';
import {
  BulkResultsSchema,
  LineResultSchema,
  printingResults,
  printSuccess,
  resultOfLine,
  SuccessSchema,
} from '../../wire/lines/results.ts';
import {
  BulkQuerySchema,
  SingleQuerySchema,
  WriteHeadersSchema,
} from '../../wire/inventory/write-parameters.ts';
import { NDJSON_MEDIA_TYPE } from '../../wire/lines/ndjson.ts';
import {
  type BodyLimits,
  JSON_MEDIA_TYPE,
  readBody,
  readMediaType,
  tooManyLines,
} from '../request/body.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { sendProblem } from '../problems.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import type { Streams } from '../streams/streams.ts';
import { runYielding } from '../request/yielding.ts';
import { readBulkTerms, readSingleTerms } from './write-options.ts';
import type { Writer } from './write-request.ts';

interface InventoryRoutes {
  readonly gate: Admission;
  readonly intake: Pick<Intake, 'admit'>;
  readonly writer: Writer;
  readonly streams: Streams;
  readonly limits: BodyLimits;
}

const LINE_EXPECTED = 'one line as a JSON object such as {"sku_id": "A-1", "quantity_in_stock": 5}';
const LINES_EXPECTED = 'a JSON array of lines such as [{"sku_id": "A-1", "quantity_in_stock": 5}]';
const BULK_MEDIA_TYPES = [JSON_MEDIA_TYPE, NDJSON_MEDIA_TYPE];
const OK = 200;

/** The two ways to write inventory: many lines, and one. */
export function addInventory(
  app: FastifyInstance,
  { gate, intake, writer, streams, limits }: InventoryRoutes,
): void {
  const guard = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    await gate.enter(request, reply, 'editor');
    intake.admit();
  };

  const updateMany = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    if (readMediaType(request.headers['content-type'], BULK_MEDIA_TYPES) === NDJSON_MEDIA_TYPE) {
      return streams.answer(request, reply);
    }
    const body = (await readBody(request, limits)) ?? '';
    const terms = readBulkTerms(request, reply, writer.asOf);
    const { value, text } = parseBody(body, LINES_EXPECTED);
    if (!Array.isArray(value)) throw wrongShape(LINES_EXPECTED, value);
    if (value.length > limits.linesMax) throw tooManyLines(limits.linesMax);
    const lines = await runYielding(parsingLines(value, text, terms.asOf));
    request.open?.holdRefusals(lines.refusals.size);
    const written = await writer.write(request, reply, { source: 'bulk', body, lines, terms });
    const results = await runYielding(printingResults(written.lines, written.outcome, terms));
    reply.header('lines-succeeded', lines.count - results.failed);
    reply.header('lines-failed', results.failed);
    return sendJson(request, reply, results.text);
  };

  const updateOne = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = (await readBody(request, limits)) ?? '';
    const terms = readSingleTerms(request, reply, writer.asOf);
    const { value, text } = parseBody(body, LINE_EXPECTED);
    if (!isJsonObject(value)) throw wrongShape(LINE_EXPECTED, value);
    const lines = parseLine(value, text, terms.asOf);
    const { outcome } = await writer.write(request, reply, {
      source: 'single',
      body,
      lines,
      terms,
    });
    const { status, message } = resultOfLine(lines, outcome);
    if (status === OK) return reply.type('application/json').send(printSuccess(outcome));
    const requestId = outcome.repeats ?? request.id;
    return sendProblem(request, reply, { code: 'line_failed', status, message, requestId });
  };

  addResource(app, '/timp/products/skus/inventory/bulk/', {
    POST: {
      schema: describe({
        operationId: 'updateInventoryInBulk',
        summary: "Set many SKUs' inventory; each line gets a verdict of its own",
        query: BulkQuerySchema,
        headers: WriteHeadersSchema,
        description: `With \`Content-Type: ${NDJSON_MEDIA_TYPE}\` lines come and results go as rows, one JSON object each, without limit.`,
        body: BulkSchema,
        rows: { mediaType: NDJSON_MEDIA_TYPE, body: LineSchema, ok: LineResultSchema },
        ok: BulkResultsSchema,
        access: 'editor',
        problems: {
          409: 'The token is not of a supplier; or a request with the same key is under way.',
          422: 'The key was used for another request, or the batch is held back.',
        },
      }),
      guard,
      handle: updateMany,
    },
  });
  addResource(app, '/timp/products/skus/inventory/', {
    POST: {
      schema: describe({
        operationId: 'updateInventory',
        summary: "Set one SKU's inventory",
        query: SingleQuerySchema,
        headers: WriteHeadersSchema,
        body: LineSchema,
        ok: SuccessSchema,
        access: 'editor',
        problems: {
          404: 'No SKU matches.',
          409: 'The token is not of a supplier; or a request with the same key is under way.',
          412: 'What the line demands does not hold.',
          422: 'More than one SKU matches, or the change is impossible; or the key was used for another request, or the batch is held back.',
        },
      }),
      guard,
      handle: updateOne,
    },
  });
}

function wrongShape(expected: string, value: unknown): OnhandError {
  return new OnhandError(
    'body_shape_wrong',
    `The body must be ${expected}; ${quoteValue(value)} is not.`,
  );
}
