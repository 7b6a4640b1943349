import { IDENTIFIERS } from './identifiers.ts';
import type { JsonObject } from './json.ts';

/**
 * What Python's `repr` escapes, the quote aside: the backslash, and what `str.isprintable` denies (the
 * categories Cc, Cf, Cs, Co, Cn, Zl, Zp, and Zs except the space).
 */
const TO_ESCAPE = /[[\\\p{C}\p{Z}]--[ ]]/gv;
const PLAIN = /^[ -&(-[\]-~]*$/;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\r': '\\r',
  '\n': '\\n',
};

/** A text as Python 3's `repr` prints it. */
export function repr(text: string): string {
  if (PLAIN.test(text)) return `'${text}'`;
  const escaped = text.replace(
    TO_ESCAPE,
    (character) => SHORT_ESCAPES[character] ?? hexEscape(character),
  );
  if (!text.includes("'")) return `'${escaped}'`;
  return text.includes('"') ? `'${escaped.replaceAll("'", "\\'")}'` : `"${escaped}"`;
}

function hexEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/**
 * The message for a readable line that matches no SKU: its identifiers as Python prints a dictionary,
 * as the client sent them, those not given left out. `skuId` is the `sku_id` that was read, which has
 * the digits of one sent as a number.
 */
export function notFoundMessage(line: JsonObject, skuId: string | null): string {
  const given = IDENTIFIERS.flatMap((name) => {
    const value = line[name];
    if (typeof value === 'number') {
      return [`'${name}': ${name === 'sku_id' ? (skuId ?? value) : value}`];
    }
    return typeof value === 'string' && value !== '' ? [`'${name}': ${repr(value)}`] : [];
  });
  return `No sku found with sku identifier: {${given.join(', ')}}; Valid identifiers: ${IDENTIFIERS.join(', ')}`;
}
