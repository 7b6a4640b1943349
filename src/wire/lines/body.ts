import { OnhandError } from '../../domain/errors.ts';
import { checkDepth, parseJson } from './json.ts';

/** A body, parsed, with the JSON that it was parsed from. */
export interface ParsedBody {
  readonly value: unknown;
  readonly text: string;
}

const FORM_ENCODED = /^\s*data=/;

/**
 * Parses a body. JSON that came as the form encoding `data=<json>`, whatever its `Content-Type` says,
 * is form-decoded; if it is not JSON as it stands, `\"` in it is read as `"` (some clients' shells
 * leave the backslashes in).
 *
 * @param expected what belongs there, to be told where there is nothing
 * @throws OnhandError `body_missing`, or `body_malformed` with line and column
 */
export function parseBody(body: string | undefined, expected: string): ParsedBody {
  if (body === undefined || body.trim() === '') {
    throw new OnhandError('body_missing', `The request has no body; ${expected} is expected.`);
  }
  const parsed = FORM_ENCODED.test(body) ? parseForm(body) : { value: parseJson(body), text: body };
  checkDepth(parsed.value);
  return parsed;
}

function parseForm(body: string): ParsedBody {
  const text = new URLSearchParams(body.trim()).get('data') ?? '';
  try {
    return { value: parseJson(text), text };
  } catch (error) {
    const unescaped = text.replaceAll('\\"', '"');
    if (unescaped === text) throw error;
    return { value: parseJson(unescaped), text: unescaped };
  }
}
