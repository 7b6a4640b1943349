import { TextDecoder } from 'node:util';
import { SaxesParser } from 'saxes';
import { OnhandError } from '../../domain/errors.ts';

/** Longest tag, text or comment in a part of a workbook, in characters. */
export const XML_TOKEN_CHARACTERS_MAX = 1_048_576;

/** How deep elements may be nested. */
export const XML_DEPTH_MAX = 100;

export type XmlAttributes = Readonly<Record<string, string>>;

/** Receives the events of the parser. Names come without their prefix. */
export interface XmlListener {
  readonly open: (name: string, attributes: XmlAttributes) => void;
  readonly close?: (name: string) => void;
  /** Part of the text inside the element that was opened last. */
  readonly text?: (text: string) => void;
}

/**
 * Parses XML in UTF-8 and calls the listener. Yields after each chunk of bytes, so that the caller can
 * take what the listener collected. Rejects with `body_malformed`, naming `part`, if the XML is not
 * well-formed, has a DTD, or uses entities beyond XML's own five.
 */
export async function* readXml(
  bytes: AsyncIterable<Uint8Array>,
  part: string,
  listener: XmlListener,
): AsyncGenerator<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const reader = new BoundedReader(part, listener);
  for await (const chunk of bytes) {
    reader.write(decode(decoder, chunk, part));
    yield;
  }
  reader.write(decode(decoder, undefined, part));
  reader.end();
  yield;
}

/** Reads XML to its end. */
export async function readWholeXml(
  bytes: AsyncIterable<Uint8Array>,
  part: string,
  listener: XmlListener,
): Promise<void> {
  for await (const _ of readXml(bytes, part, listener));
}

/** The parser with limits. By itself it buffers an unfinished tag or text of any length. */
class BoundedReader {
  readonly #part: string;
  readonly #parser = new SaxesParser({ xmlns: false, position: false });
  #depth = 0;
  /** Characters since the last event. */
  #pendingCharacters = 0;

  constructor(part: string, listener: XmlListener) {
    this.#part = part;
    const { open, close, text } = listener;
    this.#parser.on('error', (error) => {
      throw malformed(part, error.message);
    });
    this.#parser.on('doctype', () => {
      throw malformed(part, 'it has a DTD, which is not allowed');
    });
    this.#parser.on('xmldecl', ({ encoding }) => {
      if (encoding !== undefined && !/^(?:utf-8|us-ascii)$/i.test(encoding)) {
        throw malformed(part, `its encoding is ${encoding}, not UTF-8`);
      }
    });
    this.#parser.on('opentag', (tag) => {
      this.#pendingCharacters = 0;
      this.#depth += 1;
      if (this.#depth > XML_DEPTH_MAX) {
        throw malformed(part, `elements are nested more than ${XML_DEPTH_MAX} deep`);
      }
      open(localName(tag.name), tag.attributes);
    });
    this.#parser.on('closetag', (tag) => {
      this.#pendingCharacters = 0;
      this.#depth -= 1;
      close?.(localName(tag.name));
    });
    if (text !== undefined) {
      const onText = (chunk: string): void => {
        this.#pendingCharacters = 0;
        text(chunk);
      };
      this.#parser.on('text', onText);
      this.#parser.on('cdata', onText);
    }
  }

  write(text: string): void {
    // Steps far below the limit, so that a long token is noticed while it grows.
    for (let at = 0; at < text.length; at += STEP_CHARACTERS) {
      const step = text.length <= STEP_CHARACTERS ? text : text.slice(at, at + STEP_CHARACTERS);
      this.#pendingCharacters += step.length;
      this.#parser.write(step);
      if (this.#pendingCharacters > XML_TOKEN_CHARACTERS_MAX) throw tooLongText(this.#part);
    }
  }

  end(): void {
    this.#parser.close();
  }
}

/** The error for a token longer than `XML_TOKEN_CHARACTERS_MAX`, which no spreadsheet writes. */
export function tooLongText(part: string): OnhandError {
  return new OnhandError(
    'body_too_large',
    `${part} of the workbook contains a text or tag of more than ${XML_TOKEN_CHARACTERS_MAX} characters; ` +
      'no spreadsheet writes so much into a cell. Remove it and save the workbook again.',
  );
}

const STEP_CHARACTERS = 128 * 1024;

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined, part: string): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw malformed(part, 'it is not UTF-8');
  }
}

function localName(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(colon + 1);
}

function malformed(part: string, reason: string): OnhandError {
  return new OnhandError(
    'body_malformed',
    `${part} of the workbook cannot be read (${reason}); open it in a spreadsheet and save it again.`,
  );
}
