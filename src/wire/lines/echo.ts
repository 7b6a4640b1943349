/** How much of a value is repeated in a message, in UTF-16 code units. */
const ECHO_LENGTH_MAX = 64;

/**
 * A value as a message repeats it: printed as JSON and cut where it is long; arrays and objects by
 * their kind alone.
 */
export function echo(value: unknown): string {
  if (typeof value === 'string') return echoText(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function echoText(text: string): string {
  const head = cut(text);
  return JSON.stringify(head) + (head === text ? '' : '…');
}

/** A number as it was written, cut where it is long. */
export function echoNumber(written: string): string {
  const head = cut(written);
  return head === written ? head : `${head}…`;
}

/** The head of a text, no character of it cut in two. */
function cut(text: string): string {
  if (text.length <= ECHO_LENGTH_MAX) return text;
  const head = text.slice(0, ECHO_LENGTH_MAX);
  const last = text.codePointAt(ECHO_LENGTH_MAX - 1) ?? 0;
  return last > 0xffff ? head.slice(0, -1) : head;
}
