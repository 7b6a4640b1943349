import { tooLongText, XML_TOKEN_CHARACTERS_MAX } from './xml.ts';

/**
 * The text of an element that holds `<t>` elements, by itself or in runs of different looks. How it
 * is pronounced (`<rPh>`) is not part of it.
 */
export class RichText {
  readonly #part: string;
  #text = '';
  #isInText = false;
  #isInPhonetic = false;

  /** `part` is where the text stands, for the refusal of one that is too long. */
  constructor(part: string) {
    this.#part = part;
  }

  start(): void {
    this.#text = '';
    this.#isInText = false;
    this.#isInPhonetic = false;
  }

  open(name: string): void {
    if (name === 't') this.#isInText = !this.#isInPhonetic;
    else if (name === 'rPh') this.#isInPhonetic = true;
  }

  close(name: string): void {
    if (name === 't') this.#isInText = false;
    else if (name === 'rPh') this.#isInPhonetic = false;
  }

  add(piece: string): void {
    if (!this.#isInText) return;
    this.#text = this.#text === '' ? piece : this.#text + piece;
    if (this.#text.length > XML_TOKEN_CHARACTERS_MAX) throw tooLongText(this.#part);
  }

  take(): string {
    return unescaped(this.#text);
  }
}

/** Workbooks write characters that XML cannot hold as `_x0001_`, and a literal `_x` as `_x005F_x`. */
export function unescaped(text: string): string {
  if (!text.includes('_x')) return text;
  return text
    .replaceAll(/_x([0-9a-f]{4})_/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .toWellFormed();
}
