import type { FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { readAsOf, type AsOfOptions } from '../../wire/times.ts';
import { headerOf, keyHeaderOf, noteHeaderOf } from '../request/headers.ts';
import { checkParameters, flagOf, queryOf } from '../request/query.ts';

/** What a request to write asks for beside its lines: by its query and its headers. */
export interface WriteOptions {
  /** Answers the failing lines only, each with its index. */
  readonly failuresOnly: boolean;
  /** Answers what each line did. */
  readonly withEffects: boolean;
  readonly dryRun: boolean;
  readonly atomic: boolean;
  readonly isSnapshot: boolean;
  readonly asOf: AsOfOptions;
  readonly reason: string | undefined;
  readonly reference: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly confirmationCode: string | undefined;
}

/** The query parameters of a bulk update, and those of a single one. */
const BULK_PARAMETERS = ['errors_only', 'dry_run', 'atomic', 'mode'];
const SINGLE_PARAMETERS = ['dry_run'];

/**
 * Reads the terms of a bulk update. Throws `parameter_invalid`.
 *
 * `?errors_only=true` and the header `Prefer: return=minimal` (RFC 7240 §4.2) mean the same; other
 * preferences than `return` are ignored, as the RFC has it.
 */
export function readBulkTerms(
  request: FastifyRequest,
  reply: FastifyReply,
  asOf: Omit<AsOfOptions, 'asOfUs'>,
): WriteOptions {
  checkParameters(request, BULK_PARAMETERS);
  const preferred = preferredReturn(request);
  if (preferred !== undefined) reply.header('preference-applied', `return=${preferred}`);
  return {
    ...readCommonTerms(request, asOf),
    failuresOnly: flagOf(request, 'errors_only') ?? preferred === 'minimal',
    withEffects: preferred === 'representation',
    atomic: flagOf(request, 'atomic') ?? false,
    isSnapshot: isSnapshot(request),
  };
}

/**
 * Reads the terms of a stream, as those of a bulk update. Throws `parameter_invalid`, and `stream_refused`
 * where a whole input would have to be judged.
 */
export function readStreamTerms(
  request: FastifyRequest,
  reply: FastifyReply,
  asOf: Omit<AsOfOptions, 'asOfUs'>,
): WriteOptions {
  const terms = readBulkTerms(request, reply, asOf);
  if (terms.atomic) throw streamRefused('atomic=true');
  if (terms.isSnapshot) throw streamRefused('mode=snapshot');
  if (terms.idempotencyKey !== undefined) throw streamRefused('The header Idempotency-Key');
  if (terms.confirmationCode !== undefined) throw streamRefused('The header Confirmation-Code');
  return terms;
}

/** The refusal of a stream for something that judges a whole input. */
export function streamRefused(what: string): OnhandError {
  return new OnhandError(
    'stream_refused',
    `${what} judges a whole input, and a stream is applied in pieces while it comes: upload a file instead, to POST /timp/organizations/files/upload/, or send an array.`,
  );
}

/** Reads the terms of a single update. Throws `parameter_invalid`. */
export function readSingleTerms(
  request: FastifyRequest,
  reply: FastifyReply,
  asOf: Omit<AsOfOptions, 'asOfUs'>,
): WriteOptions {
  checkParameters(request, SINGLE_PARAMETERS);
  const withEffects = preferredReturn(request) === 'representation';
  if (withEffects) reply.header('preference-applied', 'return=representation');
  return {
    ...readCommonTerms(request, asOf),
    failuresOnly: false,
    withEffects,
    atomic: false,
    isSnapshot: false,
  };
}

function readCommonTerms(
  request: FastifyRequest,
  asOf: Omit<AsOfOptions, 'asOfUs'>,
): Omit<WriteOptions, 'failuresOnly' | 'withEffects' | 'atomic' | 'isSnapshot'> {
  return {
    dryRun: flagOf(request, 'dry_run') ?? false,
    asOf: { ...asOf, asOfUs: readAsOfHeader(request, asOf) },
    reason: noteHeaderOf(request, 'Batch-Reason'),
    reference: noteHeaderOf(request, 'Batch-Reference'),
    idempotencyKey: keyHeaderOf(request, 'Idempotency-Key'),
    confirmationCode: keyHeaderOf(request, 'Confirmation-Code'),
  };
}

/** Of when a report is, by its header, in microseconds since 1970-01-01T00:00Z. Throws `parameter_invalid`. */
export function readAsOfHeader(
  request: FastifyRequest,
  asOf: Omit<AsOfOptions, 'asOfUs'>,
): number | undefined {
  // An empty one is a mistake of who sends it, and must not pass for none.
  if (request.headers['as-of'] === undefined) return undefined;
  const sent = headerOf(request, 'as-of') ?? '';
  const reading = readAsOf('The header As-Of', sent, asOf);
  if (typeof reading === 'string') throw new OnhandError('parameter_invalid', reading);
  return reading;
}

/** Whether the lines are all that there is, by the query. Throws `parameter_invalid`. */
export function isSnapshot(request: FastifyRequest): boolean {
  const modes = queryOf(request).get('mode') ?? [];
  if (modes.length === 0) return false;
  if (modes.length === 1 && modes[0] === 'snapshot') return true;
  throw new OnhandError('parameter_invalid', 'mode must be snapshot, given once.');
}

/** Which of the two returns is preferred: where both are, the first counts. */
function preferredReturn(request: FastifyRequest): 'minimal' | 'representation' | undefined {
  const preferences = (headerOf(request, 'prefer') ?? '')
    .split(',')
    .map((preference) => preference.replaceAll(/[\s"]/g, '').toLowerCase());
  const preferred = preferences.find((preference) => preference.startsWith('return='))?.slice(7);
  return preferred === 'minimal' || preferred === 'representation' ? preferred : undefined;
}
