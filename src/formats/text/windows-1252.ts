import { OnhandError } from '../../domain/errors.ts';

/** What the bytes 0x80 … 0x9f stand for; the rest is Latin-1. A space stands for those that mean nothing. */
const UPPER = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';

const NOT_LATIN_1 = /[\u0080-\u009f]/g;

/** What the commonest characters of UTF-8 look like in Windows-1252 (`Ã©`, `â€™`): nobody writes that. */
const LIKE_UTF8 = /[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u0080/;

/**
 * Windows-1252 as UTF-8. Throws `body_malformed` at a byte that means nothing there, and where the
 * text turns out to be UTF-8 after all; `start` is the number of bytes of the file before these.
 */
export function decodeWindows1252(bytes: Buffer, start: number): Buffer {
  const latin1 = bytes.toString('latin1');
  const alike = LIKE_UTF8.exec(latin1);
  if (alike !== null) throw mixed(start + alike.index);
  return Buffer.from(
    latin1.replaceAll(NOT_LATIN_1, (character, at: number) => {
      const decoded = UPPER[character.charCodeAt(0) - 0x80];
      if (decoded === undefined || decoded === ' ') throw meaningless(character, start + at);
      return decoded;
    }),
  );
}

function mixed(at: number): OnhandError {
  return new OnhandError(
    'body_malformed',
    `The file mixes encodings: bytes before byte ${at + 1} are Windows-1252, those there UTF-8; save it as UTF-8.`,
  );
}

function meaningless(character: string, at: number): OnhandError {
  const hex = character.charCodeAt(0).toString(16);
  return new OnhandError(
    'body_malformed',
    `The file is neither UTF-8 nor Windows-1252: byte ${at + 1} is 0x${hex}; save it as UTF-8.`,
  );
}
