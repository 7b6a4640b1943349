/** A code of an EDI standard, and its meaning there. */
export interface Code {
  readonly code: string;
  readonly meaning: string;
}
