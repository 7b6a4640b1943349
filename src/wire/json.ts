import { OnhandError } from '../domain/errors.ts';
import { ANY_SHAPE_BYTES_MAX, JsonCounter, tooLargeForm, type JsonLimits } from './json-counter.ts';
import { BODY, findFault, positionOf, TOO_DEEP, tooDeep, type ParsedText } from './json-fault.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value made by `parseJson` is an object, and not an array or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

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

/** Throws for the first fault in malformed JSON. */
function refuseMalformed(text: string, called: ParsedText): void {
  const fault = findFault(text, called.depthMax);
  if (fault === undefined) return;
  if (fault.what === TOO_DEEP) throw tooDeep(called);
  const { line, column } = positionOf(text, fault.offset);
  throw malformed(called, `${called.placeOf(line, column)}: ${fault.what}`);
}

function malformed({ name }: ParsedText, what: string): OnhandError {
  return new OnhandError('body_malformed', `${name} is not valid JSON: ${what}.`);
}

/** A parsed body and its JSON text. */
export interface ParsedBody {
  readonly value: unknown;
  readonly text: string;
}

const FORM_START = 'data=';

/**
 * Parses a body. The form encoding `data=<json>` is decoded whatever the `Content-Type`. If the result is not
 * JSON, `\"` is read as `"`, because some clients' shells leave the backslashes in.
 *
 * @param expected what the message for a missing body asks for
 * @param limits what the JSON of a form may hold; the reader of the body has checked any other JSON
 * @throws OnhandError `body_missing`, or `body_malformed` with line and column, or `body_too_large` or
 *   `too_many_lines` for a form beyond the limits
 */
export function parseBody(
  body: string | undefined,
  expected: string,
  limits?: JsonLimits,
): ParsedBody {
  const trimmed = body?.trim() ?? '';
  if (body === undefined || trimmed === '') {
    throw new OnhandError('body_missing', `The request has no body; ${expected} is expected.`);
  }
  const parsed = trimmed.startsWith(FORM_START)
    ? parseForm(trimmed, limits)
    : { value: parseJson(body), text: body };
  checkDepth(parsed.value);
  return parsed;
}

function parseForm(form: string, limits: JsonLimits | undefined): ParsedBody {
  if (limits !== undefined && form.length > limits.formBytesMax) throw tooLargeForm(limits);
  const decoded = decodeForm(form.slice(FORM_START.length));
  const unescaped = decoded.split('\\"').join('"');
  const isJson = unescaped === decoded || findFault(decoded, Infinity) === undefined;
  const text = isJson ? decoded : unescaped;
  checkShape(text, limits);
  return { value: parseJson(text), text };
}

function checkShape(text: string, limits: JsonLimits | undefined): void {
  if (limits === undefined || text.length <= Math.min(ANY_SHAPE_BYTES_MAX, limits.linesMax)) return;
  new JsonCounter(limits).count(Buffer.from(text));
}

const AMPERSAND = 0x26;
const PLUS = 0x2b;
const PERCENT = 0x25;
const SPACE = 0x20;

/**
 * Decodes the value of a form's first field, up to `&`, in one pass. `URLSearchParams` gives the same
 * result, but takes many times as long.
 */
function decodeForm(encoded: string): string {
  const bytes = Buffer.from(encoded);
  let end = 0;
  for (let at = 0; at < bytes.length && bytes[at] !== AMPERSAND; at += 1) {
    const byte = bytes[at] ?? 0;
    const decoded = byte === PERCENT ? hexByte(bytes, at + 1) : -1;
    if (decoded >= 0) at += 2;
    bytes[end] = decoded >= 0 ? decoded : byte === PLUS ? SPACE : byte;
    end += 1;
  }
  return bytes.toString('utf8', 0, end);
}

/** The byte that two hexadecimal digits give; -1 if they are not that. */
function hexByte(bytes: Buffer, at: number): number {
  const high = hexDigit(bytes[at]);
  const low = hexDigit(bytes[at + 1]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
