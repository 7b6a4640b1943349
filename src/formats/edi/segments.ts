/** Cuts an EDI file into segments. X12 and EDIFACT differ only in how an interchange begins and a segment ends. */
import { OnhandError } from '../../domain/errors.ts';
import { quoted, type FormatLimits } from '../format.ts';

/** How a format separates segments. Each interchange defines its own separator characters at its beginning. */
export interface SegmentSyntax<Characters, Segment> {
  /** Most characters that `begin` needs. */
  readonly headCharactersMax: number;
  /**
   * Reads the beginning of an interchange: its characters, and how many characters come before its first segment.
   * Null if too little of it has arrived. Throws what `notABeginning` returns if it is something else.
   */
  readonly begin: (
    head: string,
    number: number,
  ) => { readonly characters: Characters; readonly length: number } | null;
  readonly notABeginning: (head: string, number: number) => OnhandError;
  /** The character that ends each segment. */
  readonly terminator: (characters: Characters) => string;
  /** Where the segment that begins at `from` ends; negative if its end has not arrived. */
  readonly endOf: (text: string, from: number, characters: Characters) => number;
  readonly read: (text: string, number: number, characters: Characters) => Segment;
  /** Whether a segment ends its interchange. */
  readonly isLast: (segment: Segment) => boolean;
}

/**
 * Cuts a file into segments, a few at a time. Line breaks after or inside a segment are dropped unless they end
 * segments, since some systems fold long segments. Rejects with `body_malformed` if an interchange does not begin as
 * it should or the file ends inside a segment, and with `body_too_large` if a segment is longer than the limit.
 */
export async function* cutSegments<Characters, Segment>(
  text: AsyncIterable<string>,
  syntax: SegmentSyntax<Characters, Segment>,
  limits: Pick<FormatLimits, 'rowCharactersMax'>,
): AsyncGenerator<readonly Segment[]> {
  const cutter = new SegmentCutter(syntax, limits.rowCharactersMax);
  for await (const chunk of text) {
    const segments = cutter.cut(chunk);
    if (segments.length > 0) yield segments;
  }
  const last = cutter.end();
  if (last.length > 0) yield last;
}

class SegmentCutter<Characters, Segment> {
  readonly #syntax: SegmentSyntax<Characters, Segment>;
  readonly #charactersMax: number;
  #pending = '';
  #count = 0;
  /** Null between interchanges. */
  #characters: Characters | null = null;

  constructor(syntax: SegmentSyntax<Characters, Segment>, charactersMax: number) {
    this.#syntax = syntax;
    this.#charactersMax = charactersMax;
  }

  cut(chunk: string): readonly Segment[] {
    const syntax = this.#syntax;
    const text = this.#pending + chunk;
    const segments: Segment[] = [];
    let at = 0;
    for (;;) {
      at = afterFiller(text, at);
      if (this.#characters === null) {
        const head = text.slice(at, at + syntax.headCharactersMax);
        const begun = syntax.begin(head, this.#count + 1);
        if (begun === null) break;
        this.#characters = begun.characters;
        at = afterFiller(text, at + begun.length);
      }
      const end = syntax.endOf(text, at, this.#characters);
      if (end < 0) break;
      const segment = this.#segment(text.slice(at, end), this.#characters);
      segments.push(segment);
      if (syntax.isLast(segment)) this.#characters = null;
      at = end + 1;
    }
    this.#pending = text.slice(at);
    if (this.#pending.length > this.#charactersMax) throw this.#tooLong();
    return segments;
  }

  /** The last segment, if it ends with a line break that the file lacks: the last one of a file is easily lost. */
  end(): readonly Segment[] {
    const rest = this.#pending;
    if (rest === '') return [];
    if (this.#characters === null) throw this.#syntax.notABeginning(rest, this.#count + 1);
    if (/^\s/.test(this.#syntax.terminator(this.#characters)))
      return [this.#segment(rest, this.#characters)];
    throw new OnhandError(
      'body_malformed',
      `The file ends inside segment ${this.#count + 1} (${quoted(rest, 40)}); it is truncated.`,
    );
  }

  #segment(text: string, characters: Characters): Segment {
    this.#count += 1;
    const unfolded = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, '') : text;
    return this.#syntax.read(unfolded, this.#count, characters);
  }

  #tooLong(): OnhandError {
    const end = this.#characters === null ? '' : this.#syntax.terminator(this.#characters);
    return new OnhandError(
      'body_too_large',
      `Segment ${this.#count + 1} is longer than ${this.#charactersMax} characters; its end (${JSON.stringify(end)}) is missing.`,
    );
  }
}

/** Skips line breaks, spaces and end-of-file marks of old systems (Ctrl-Z) between segments. */
function afterFiller(text: string, from: number): number {
  let at = from;
  while (at < text.length && FILLER.has(text.charCodeAt(at))) at += 1;
  return at;
}

const FILLER: ReadonlySet<number> = new Set([0x0a, 0x0d, 0x20, 0x1a]);
