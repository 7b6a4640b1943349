import { IDENTIFIERS } from '../lines/identifiers.ts';
import { isJsonObject } from '../lines/json.ts';

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
 * as the client sent them, those not given left out.
 *
 * @param asSent as `Lines.asSent` has it: null where it named `skuId` alone, as a text
 */
export function notFoundMessage(skuId: string | null, asSent: string | null): string {
  const given = asSent === null ? [`'sku_id': ${repr(skuId ?? '')}`] : printedAsSent(asSent);
  return `No sku found with sku identifier: {${given.join(', ')}}; Valid identifiers: ${IDENTIFIERS.join(', ')}`;
}

function printedAsSent(asSent: string): readonly string[] {
  const sent: unknown = JSON.parse(asSent);
  if (!isJsonObject(sent)) throw new Error('identifiers were not kept as they were sent');
  return Object.entries(sent).map(
    ([name, value]) => `'${name}': ${typeof value === 'string' ? repr(value) : String(value)}`,
  );
}
