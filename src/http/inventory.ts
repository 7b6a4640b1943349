import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError } from '../domain/errors.ts';
import type { Intake } from '../intake/intake.ts';
import type { BatchOutcome, BatchSource } from '../store/store.ts';
import { parseBody } from '../wire/body.ts';
import { echo } from '../wire/echo.ts';
import { isJsonObject } from '../wire/json.ts';
import { parseLine, parsingLines, type ParsedLines } from '../wire/lines.ts';
import { printingResults, resultOfLine } from '../wire/results.ts';
import {
  BulkQuerySchema,
  BulkResultsSchema,
  BulkSchema,
  LineSchema,
  SuccessSchema,
} from '../wire/schemas.ts';
import { readBody, tooManyLines, type BodyLimits } from './body.ts';
import { describe } from './documentation.ts';
import type { Gate } from './gate.ts';
import { readBulkPreferences } from './preferences.ts';
import { sendProblem } from './problems.ts';
import { checkParameters } from './query.ts';
import { sendJson } from './reply.ts';
import { addResource } from './resource.ts';
import { takingTurns } from './turns.ts';

interface InventoryRoutes {
  readonly gate: Gate;
  readonly intake: Intake;
  readonly limits: BodyLimits;
}

const LINE_EXPECTED = 'one line as a JSON object such as {"sku_id": "A-1", "quantity_in_stock": 5}';
const LINES_EXPECTED = 'a JSON array of lines such as [{"sku_id": "A-1", "quantity_in_stock": 5}]';
const OK = 200;

/** The two ways to write inventory: many lines, and one. */
export function addInventory(
  app: FastifyInstance,
  { gate, intake, limits }: InventoryRoutes,
): void {
  const guard = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    await gate.enter(request, reply, 'editor');
    intake.admit();
  };

  const apply = async (
    request: FastifyRequest,
    source: BatchSource,
    { lines }: ParsedLines,
  ): Promise<BatchOutcome> => {
    const { organizationId: supplierId, userId } = gate.principalOf(request);
    return lines.count === 0 ? NOTHING_DONE : intake.submit({ supplierId, userId, source, lines });
  };

  const updateMany = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const body = await readBody(request, limits);
    const preferences = readBulkPreferences(request, reply);
    const { value, text } = parseBody(body, LINES_EXPECTED);
    if (!Array.isArray(value)) throw wrongShape(LINES_EXPECTED, value);
    if (value.length > limits.linesMax) throw tooManyLines(limits.linesMax);
    const parsed = await takingTurns(parsingLines(value, text));
    request.open?.holdRefusals(parsed.refusals.size);
    const outcome = await apply(request, 'bulk', parsed);
    const results = await takingTurns(printingResults(parsed, outcome, value, preferences));
    reply.header('lines-succeeded', value.length - results.failed);
    reply.header('lines-failed', results.failed);
    return sendJson(request, reply, results.text);
  };

  const updateOne = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await readBody(request, limits);
    checkParameters(request, []);
    const { value, text } = parseBody(body, LINE_EXPECTED);
    if (!isJsonObject(value)) throw wrongShape(LINE_EXPECTED, value);
    const parsed = parseLine(value, text);
    const { status, message } = resultOfLine(parsed, await apply(request, 'single', parsed), value);
    return status === OK
      ? reply.type('application/json').send(JSON.stringify({ message }))
      : sendProblem(request, reply, { code: 'line_failed', status, message });
  };

  addResource(app, '/timp/products/skus/inventory/bulk/', {
    POST: {
      schema: describe({
        operationId: 'updateInventoryInBulk',
        summary: "Set many SKUs' inventory; each line gets a verdict of its own",
        query: BulkQuerySchema,
        body: BulkSchema,
        ok: BulkResultsSchema,
        access: 'editor',
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
        body: LineSchema,
        ok: SuccessSchema,
        access: 'editor',
        problems: {
          404: 'No SKU matches.',
          422: 'More than one SKU matches.',
        },
      }),
      guard,
      handle: updateOne,
    },
  });
}

const NOTHING_DONE: BatchOutcome = { statuses: new Uint16Array(0), candidates: new Map() };

function wrongShape(expected: string, value: unknown): OnhandError {
  return new OnhandError(
    'body_shape_wrong',
    `The body must be ${expected}; ${echo(value)} is not.`,
  );
}
