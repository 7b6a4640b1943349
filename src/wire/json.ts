import { printParseErrorCode, visit } from 'jsonc-parser';
import { OnhandError } from '../domain/errors.ts';
import { quoteValue } from './validation-messages.ts';

/** Deepest nesting of arrays and objects in a body; the outermost counts as 1. */
export const DEPTH_MAX = 8;

export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value made by `parseJson` is an object, and not an array or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How messages describe the text that is parsed. */
export interface ParsedText {
  readonly name: string;
  /** Deepest nesting of arrays and objects. */
  readonly depthMax: number;
  /** Describes a position; both numbers count from 1. */
  readonly placeOf: (line: number, column: number) => string;
}

const BODY: ParsedText = {
  name: 'The body',
  depthMax: DEPTH_MAX,
  placeOf: (line, column) => `line ${line}, column ${column}`,
};

/**
 * Parses JSON (RFC 8259); the last of duplicate members wins. Throws `body_malformed` with the reason and the
 * line and column, both counted from 1.
 */
export function parseJson(text: string, called: ParsedText = BODY): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    refuseMalformed(text, called);
    throw malformed(called, error instanceof Error ? error.message : 'it cannot be read');
  }
}

/** Throws `body_malformed` if arrays and objects are nested deeper than `depthMax`. */
export function checkDepth(value: unknown, called: ParsedText = BODY): void {
  if (isDeeper(value, called.depthMax)) throw tooDeep(called);
}

function isDeeper(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depthMax === 0) return true;
  const parts: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return parts.some((part) => isDeeper(part, depthMax - 1));
}

function tooDeep({ name, depthMax }: ParsedText): OnhandError {
  return new OnhandError(
    'body_malformed',
    `${name} is nested too deeply: at most ${depthMax} arrays and objects may stand inside one another.`,
  );
}

/**
 * Throws for the first error in malformed JSON. V8 gives no position for most errors, so the text is parsed
 * again. This parser recurses, so the nesting is limited while it runs.
 */
function refuseMalformed(text: string, called: ParsedText): void {
  let depth = 0;
  const enter = () => {
    depth += 1;
    if (depth > called.depthMax) throw tooDeep(called);
  };
  const leave = () => {
    depth -= 1;
  };
  visit(
    text,
    {
      onObjectBegin: enter,
      onObjectEnd: leave,
      onArrayBegin: enter,
      onArrayEnd: leave,
      onError: (code, offset, length, line, column) => {
        const name = printParseErrorCode(code);
        const what = WRONG[name]?.(text.slice(offset, offset + length)) ?? name;
        throw malformed(called, `${called.placeOf(line + 1, column + 1)}: ${what}`);
      },
    },
    { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false },
  );
}

function malformed({ name }: ParsedText, what: string): OnhandError {
  return new OnhandError('body_malformed', `${name} is not valid JSON: ${what}.`);
}

/** The message for each error of the parser, given the text at its position. */
const WRONG: Readonly<Record<string, (found: string) => string>> = {
  InvalidSymbol: (found) => `${quoteValue(found)} has no meaning in JSON`,
  InvalidNumberFormat: () => 'a number is incomplete',
  UnexpectedEndOfNumber: () => 'a number is incomplete',
  PropertyNameExpected: () => 'a member name in double quotes is expected',
  ValueExpected: () => 'a value is expected',
  ColonExpected: () => 'a colon is expected',
  CommaExpected: () => 'a comma is expected',
  CloseBraceExpected: () => 'a closing brace } is expected',
  CloseBracketExpected: () => 'a closing bracket ] is expected',
  EndOfFileExpected: () => 'nothing more is expected',
  InvalidCommentToken: () => 'JSON has no comments',
  UnexpectedEndOfComment: () => 'JSON has no comments',
  UnexpectedEndOfString: () =>
    'a text in quotes does not end on its line (a line break in it is written \\n)',
  InvalidUnicode: () => 'a text has a \\u that is not followed by four hexadecimal digits',
  InvalidEscapeCharacter: () =>
    'a text has a backslash that begins nothing (a backslash is written \\\\)',
  InvalidCharacter: () => 'a text has a control character (a tab is written \\t)',
};

/** A parsed body and its JSON text. */
export interface ParsedBody {
  readonly value: unknown;
  readonly text: string;
}

const FORM_ENCODED = /^\s*data=/;

/**
 * Parses a body. The form encoding `data=<json>` is decoded whatever the `Content-Type`. If the result is not
 * JSON, `\"` is read as `"`, because some clients' shells leave the backslashes in.
 *
 * @param expected what the message for a missing body asks for
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
