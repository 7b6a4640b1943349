import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { readAsOf, type AsOfOptions } from '../../wire/times.ts';
import {
  checkParameters,
  flagOf,
  headerOf,
  keyHeaderOf,
  noteHeaderOf,
  queryOf,
} from '../request/parameters.ts';

/** The options of a write request, from its query and headers. */
export interface WriteOptions {
  /** Return only the lines that failed, each with its index. */
  readonly failuresOnly: boolean;
  /** Return what each line did. */
  readonly withEffects: boolean;
  readonly dryRun: boolean;
  readonly atomic: boolean;
  readonly isSnapshot: boolean;
  readonly asOf: AsOfOptions;
  readonly reason: string | undefined;
  readonly reference: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The index of the first line of a stream: more than 0 if it was resumed. */
  readonly streamStart: number;
  readonly confirmationCode: string | undefined;
  /** The preference that the response applies, for its header `Preference-Applied`. */
  readonly preference: 'return=minimal' | 'return=representation' | undefined;
}

/** The current time, and how far ahead of it a report's timestamp may be. */
export type AsOfRules = Omit<AsOfOptions, 'asOfUs'>;

const BULK_PARAMETERS = ['errors_only', 'dry_run', 'atomic', 'mode'];
const SINGLE_PARAMETERS = ['dry_run'];

/**
 * Reads the options of a bulk update. Throws `parameter_invalid`.
 *
 * `?errors_only=true` and the header `Prefer: return=minimal` (RFC 7240 §4.2) mean the same. Preferences
 * other than `return` are ignored, as the RFC requires.
 */
export function readBulkOptions(request: FastifyRequest, rules: AsOfRules): WriteOptions {
  checkParameters(request, BULK_PARAMETERS);
  const preference = preferredReturn(request);
  return {
    ...readCommonOptions(request, rules),
    preference,
    failuresOnly: flagOf(request, 'errors_only') ?? preference === 'return=minimal',
    withEffects: preference === 'return=representation',
    atomic: flagOf(request, 'atomic') ?? false,
    isSnapshot: isSnapshot(request),
  };
}

/** Throws `stream_refused` if the options include one that applies to a complete input. */
export function checkStreamOptions(options: WriteOptions): void {
  if (options.atomic) throw streamRefused('atomic=true');
  if (options.isSnapshot) throw streamRefused('mode=snapshot');
  if (options.confirmationCode !== undefined) throw streamRefused('The header Confirmation-Code');
}

/** The error for an option or a setting that applies to a complete input. */
export function streamRefused(what: string): OnhandError {
  return new OnhandError(
    'stream_refused',
    `${what} applies to a complete input, and a stream is applied in chunks as it arrives. Upload a file to POST /timp/organizations/files/upload/, or send an array.`,
  );
}

/** Reads the options of a single update. Throws `parameter_invalid`. */
export function readSingleOptions(request: FastifyRequest, rules: AsOfRules): WriteOptions {
  checkParameters(request, SINGLE_PARAMETERS);
  const withEffects = preferredReturn(request) === 'return=representation';
  return {
    ...readCommonOptions(request, rules),
    preference: withEffects ? 'return=representation' : undefined,
    failuresOnly: false,
    withEffects,
    atomic: false,
    isSnapshot: false,
  };
}

function readCommonOptions(request: FastifyRequest, rules: AsOfRules) {
  return {
    dryRun: flagOf(request, 'dry_run') ?? false,
    asOf: { ...rules, asOfUs: readAsOfHeader(request, rules) },
    reason: noteHeaderOf(request, 'Batch-Reason'),
    reference: noteHeaderOf(request, 'Batch-Reference'),
    idempotencyKey: keyHeaderOf(request, 'Idempotency-Key'),
    streamStart: readStreamStart(request),
    confirmationCode: keyHeaderOf(request, 'Confirmation-Code'),
  };
}

/** Throws `parameter_invalid`. */
function readStreamStart(request: FastifyRequest): number {
  const sent = headerOf(request, 'stream-start');
  if (sent === undefined) return 0;
  if (/^\d{1,15}$/.test(sent)) return Number(sent);
  throw new OnhandError(
    'parameter_invalid',
    'The header Stream-Start must be the index of the first line that is sent, counted from 0.',
  );
}

/**
 * Reads the report's timestamp from the header `As-Of`, in microseconds since 1970-01-01T00:00Z. Throws
 * `parameter_invalid`.
 */
export function readAsOfHeader(request: FastifyRequest, rules: AsOfRules): number | undefined {
  // An empty header is a mistake of the sender and must not count as none.
  if (request.headers['as-of'] === undefined) return undefined;
  const sent = headerOf(request, 'as-of') ?? '';
  const reading = readAsOf('The header As-Of', sent, rules);
  if (typeof reading === 'string') throw new OnhandError('parameter_invalid', reading);
  return reading;
}

/** Whether the lines are a snapshot: the supplier's complete inventory. Throws `parameter_invalid`. */
export function isSnapshot(request: FastifyRequest): boolean {
  const modes = queryOf(request).get('mode') ?? [];
  if (modes.length === 0) return false;
  if (modes.length === 1 && modes[0] === 'snapshot') return true;
  throw new OnhandError('parameter_invalid', 'mode must be snapshot, given once.');
}

/** The first `return` preference, if it is one that the API knows. */
function preferredReturn(request: FastifyRequest): WriteOptions['preference'] {
  const preferences = (headerOf(request, 'prefer') ?? '')
    .split(',')
    .map((preference) => preference.replaceAll(/[\s"]/g, '').toLowerCase());
  const preference = preferences.find((candidate) => candidate.startsWith('return='));
  return preference === 'return=minimal' || preference === 'return=representation'
    ? preference
    : undefined;
}
