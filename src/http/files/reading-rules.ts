/** The reading rules of a request. */
import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { parseRules, RULE_NAMES, type ReadingRules } from '../../domain/reading-rules.ts';
import { queryOf } from '../request/parameters.ts';

/** The rules in the query. Throws `parameter_invalid`. */
export function readRules(request: FastifyRequest): Partial<ReadingRules> {
  const query = queryOf(request);
  return parseRules(
    RULE_NAMES.flatMap((name) => {
      const values = query.get(name) ?? [];
      if (values.length > 1)
        throw new OnhandError('parameter_invalid', `${name} must be given once.`);
      return values.map((text) => [name, text] as const);
    }),
  );
}
