/**
 * The characters that Python's `repr` escapes besides the quote: the backslash and those that are not
 * `str.isprintable` (the categories Cc, Cf, Cs, Co, Cn, Zl, Zp, and Zs except the space).
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
