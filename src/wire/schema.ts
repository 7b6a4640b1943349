import { type Static, type TSchema, Type } from 'typebox';
import { QUANTITY_MAX } from '../domain/limits.ts';
import { Compile } from 'typebox/compile';
import { OnhandError, type ErrorCode } from '../domain/errors.ts';

export const uuid = (description: string) => Type.String({ format: 'uuid', description });

export const time = (description: string) => Type.String({ format: 'date-time', description });

export const textOrNull = (options: object) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...options });

export const integerOrNull = (description: string) =>
  Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    minimum: 0,
    maximum: QUANTITY_MAX,
    description,
  });

/** How many faults of one value a message names. */
const FAULTS_NAMED_MAX = 10;

/**
 * Makes a reader of values of one shape. It throws `code`, naming each faulty member and what is allowed
 * there.
 *
 * @param what what the value is called in that text, such as "The query"
 */
export function createValidator<Schema extends TSchema>(
  schema: Schema,
  what: string,
  code: ErrorCode,
): (value: unknown) => Static<Schema> {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return value;
    const faults = validator
      .Errors(value)
      // An unknown member is reported a second time by the object that may not have it.
      .filter(({ keyword }) => keyword !== 'boolean')
      .slice(0, FAULTS_NAMED_MAX)
      .map(
        ({ instancePath, message, params }) =>
          `${instancePath.slice(1) || what} ${message}${hint(params)}`,
      );
    throw new OnhandError(code, `${what} cannot be read: ${[...new Set(faults)].join('; ')}.`);
  };
}

/** Which values an error's rule allows or which members it is about, where it says so. */
function hint(params: object): string {
  if ('allowedValues' in params && Array.isArray(params.allowedValues)) {
    return ` (${params.allowedValues.map((value) => JSON.stringify(value)).join(', ')})`;
  }
  if ('additionalProperties' in params && Array.isArray(params.additionalProperties)) {
    return ` (${params.additionalProperties.map((name) => JSON.stringify(name)).join(', ')})`;
  }
  return '';
}
