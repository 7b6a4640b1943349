/** A text of a source file that the harness replaces while it loads the file. */
export interface Replacement {
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly from: string;
  readonly to: string;
}

/** Throws if the text does not occur exactly once. */
export function replaced(text: string, { file, from, to }: Replacement): string {
  const parts = text.split(from);
  if (parts.length !== 2) {
    throw new Error(
      `${file} has ${parts.length - 1} occurrences of ${JSON.stringify(from)}, not 1`,
    );
  }
  return parts.join(to);
}
