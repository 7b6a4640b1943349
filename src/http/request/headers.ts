import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';

/** Longest reason and reference of a batch, in Unicode code points. */
export const NOTE_CODE_POINTS_MAX = 256;

const KEY = /^[!-~]{1,255}$/;

/** A header as Node gives it; undefined where it was not sent, or empty. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  const text = Array.isArray(value) ? value.join(', ') : value;
  return text === undefined || text === '' ? undefined : text;
}

/**
 * A header of visible ASCII characters, 1 to 255 of them; undefined where it was not sent. Throws
 * `parameter_invalid`.
 */
export function keyHeaderOf(request: FastifyRequest, name: string): string | undefined {
  if (request.headers[name.toLowerCase()] === undefined) return undefined;
  const key = headerOf(request, name.toLowerCase()) ?? '';
  if (KEY.test(key)) return key;
  throw new OnhandError(
    'parameter_invalid',
    `The header ${name} must be 1 to 255 visible ASCII characters, without spaces.`,
  );
}

/** A header in the sender's own words; undefined where it was not sent, or empty. Throws `parameter_invalid`. */
export function noteHeaderOf(request: FastifyRequest, name: string): string | undefined {
  const sent = headerOf(request, name.toLowerCase());
  if (sent === undefined) return undefined;
  const note = decoded(sent);
  if (Array.from(note).length <= NOTE_CODE_POINTS_MAX && !/\p{Cc}/u.test(note)) return note;
  throw new OnhandError(
    'parameter_invalid',
    `The header ${name} must be at most ${NOTE_CODE_POINTS_MAX} characters, none of them a control character.`,
  );
}

/** Node reads each byte of a header as a character: those of UTF-8 are put together, if that is what they are. */
function decoded(sent: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(sent, 'latin1'));
  } catch {
    return sent;
  }
}
