/** A page of a list that is read by offset. */
export interface OffsetPage {
  readonly start: number;
  readonly limit: number;
}
