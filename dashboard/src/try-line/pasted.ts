import type { Line } from '../../../client/src/index.ts';

/** What was pasted: lines of JSON, which the API takes, or a table with a header, which is a file. */
export type Pasted =
  | { readonly kind: 'empty' }
  | { readonly kind: 'lines'; readonly lines: readonly Line[] }
  | { readonly kind: 'table'; readonly text: string }
  | { readonly kind: 'broken'; readonly why: 'json' | 'header' | 'tooMany' };

/** More lines than this belong in a file. */
const LINES_MAX = 20;

export function readPasted(pasted: string): Pasted {
  const text = pasted.trim();
  if (text === '') return { kind: 'empty' };
  if (!/^[[{]/.test(text)) {
    return text.includes('\n') ? { kind: 'table', text } : { kind: 'broken', why: 'header' };
  }
  const ndjson = `[${text.split('\n').filter(Boolean).join(',')}]`;
  const value = parse(text) ?? parse(ndjson);
  const lines: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!lines.every(isLine)) return { kind: 'broken', why: 'json' };
  if (lines.length > LINES_MAX) return { kind: 'broken', why: 'tooMany' };
  return { kind: 'lines', lines };
}

/** Undefined if it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The server says what is wrong with a line; here it only needs to be an object. */
function isLine(value: unknown): value is Line {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const IDENTIFIERS = ['sku_id', 'upca', 'ean13', 'gtin14', 'isbn'] as const;
export type IdentifierName = (typeof IDENTIFIERS)[number];
