import { type Static, type TSchema, Type } from 'typebox';
import { QUANTITY_MAX } from '../domain/inventory.ts';
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

/** Most errors of one value that a message names. */
const ERRORS_NAMED_MAX = 10;

/**
 * Returns a validator for a schema. It returns the value with the schema's type, or throws an error with
 * `code` that names each invalid member and what is allowed there.
 *
 * @param what how messages call the value, such as "The query"
 */
export function createValidator<Schema extends TSchema>(
  schema: Schema,
  what: string,
  code: ErrorCode,
): (value: unknown) => Static<Schema> {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return value;
    const errors = validator
      .Errors(value)
      // The object reports unknown members too.
      .filter(({ keyword }) => keyword !== 'boolean')
      .slice(0, ERRORS_NAMED_MAX)
      .map(
        ({ instancePath, message, params }) =>
          `${instancePath.slice(1) || what} ${message}${hint(params)}`,
      );
    throw new OnhandError(code, `${what} cannot be read: ${[...new Set(errors)].join('; ')}.`);
  };
}

/** The values that are allowed or the members that are not, if the error lists them. */
function hint(params: object): string {
  if ('allowedValues' in params && Array.isArray(params.allowedValues)) {
    return ` (${params.allowedValues.map((value) => JSON.stringify(value)).join(', ')})`;
  }
  if ('additionalProperties' in params && Array.isArray(params.additionalProperties)) {
    return ` (${params.additionalProperties.map((name) => JSON.stringify(name)).join(', ')})`;
  }
  return '';
}
