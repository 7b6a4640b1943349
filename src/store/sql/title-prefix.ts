/** How many characters of a title the indexes hold (`skus_by_title` in each `schema/migrations.ts`). */
const INDEXED_CHARACTERS = 32;

/** What a title begins with, without the case of A to Z: databases treat other letters differently. */
export interface TitlePrefix {
  readonly whole: string;
  /** Its length in characters, as databases count them. */
  readonly length: number;
  /**
   * Whether all of it is in the indexes, so that the range alone finds the titles. To compare whole titles, a database
   * reads each SKU in the range, in the order of titles: some ten times as slow.
   */
  readonly isIndexed: boolean;
  /** The range of the indexed parts that fit, in the order of code points. */
  readonly first: string;
  /** Exclusive; null if there is no greater text. */
  readonly end: string | null;
}

export function titlePrefix(text: string): TitlePrefix {
  const whole = lowered(text);
  const characters = Array.from(whole);
  const indexed = characters.slice(0, INDEXED_CHARACTERS);
  const { length } = characters;
  const isIndexed = length === indexed.length;
  return { whole, length, isIndexed, first: indexed.join(''), end: endOf(indexed) };
}

/** The range of `sku_id`s, in lower case, that begin with a text. */
export function skuIdPrefix(text: string): Pick<TitlePrefix, 'first' | 'end'> {
  const first = lowered(text);
  return { first, end: endOf(Array.from(first)) };
}

function lowered(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

const CODE_POINT_MAX = 0x10_ffff;
const [SURROGATES_FIRST, SURROGATES_END] = [0xd800, 0xe000];

/** The least text that is greater than all that begin with these characters. */
function endOf(characters: readonly string[]): string | null {
  for (let n = characters.length - 1; n >= 0; n -= 1) {
    const point = characters[n]?.codePointAt(0) ?? 0;
    if (point === CODE_POINT_MAX) continue;
    const next = point + 1 === SURROGATES_FIRST ? SURROGATES_END : point + 1;
    return characters.slice(0, n).join('') + String.fromCodePoint(next);
  }
  return null;
}
