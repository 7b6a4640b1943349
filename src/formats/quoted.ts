const SHOWN_CHARACTERS = 64;

/** A text from a stranger's file as a message shows it: in quotes, printable, short. */
export function quoted(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return JSON.stringify(text.toWellFormed());
  return `${JSON.stringify(text.slice(0, SHOWN_CHARACTERS).toWellFormed())}…`;
}
