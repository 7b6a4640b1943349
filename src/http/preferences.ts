import type { FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError } from '../domain/errors.ts';
import { checkParameters, queryOf } from './query.ts';

/** How a bulk update is to be answered. */
export interface BulkPreferences {
  /** Only the failing lines, each with its index. */
  readonly failuresOnly: boolean;
}

/** The query parameters of a bulk update. */
const BULK_PARAMETERS = ['errors_only'];

/**
 * Reads `?errors_only=true` and the header `Prefer: return=minimal` (RFC 7240 §4.2), which mean the same;
 * other preferences are ignored, as the RFC has it. Throws `parameter_invalid`.
 */
export function readBulkPreferences(request: FastifyRequest, reply: FastifyReply): BulkPreferences {
  checkParameters(request, BULK_PARAMETERS);
  const asked = queryOf(request).get('errors_only') ?? [];
  const wrong = asked.find((value) => value !== 'true' && value !== 'false');
  if (wrong !== undefined || asked.length > 1) {
    throw new OnhandError('parameter_invalid', 'errors_only must be true or false, given once.');
  }
  const isPreferred = preferences(request.headers['prefer']).includes('return=minimal');
  if (isPreferred) reply.header('preference-applied', 'return=minimal');
  return { failuresOnly: asked[0] === undefined ? isPreferred : asked[0] === 'true' };
}

function preferences(header: string | string[] | undefined): readonly string[] {
  return String(header ?? '')
    .split(',')
    .map((preference) => preference.replaceAll(/[\s"]/g, '').toLowerCase());
}
