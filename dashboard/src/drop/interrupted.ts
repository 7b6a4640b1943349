import type { FileTerms } from '../../../client/src/index.ts';

/** A file that someone dropped, and what it is. */
export interface Dropped {
  readonly file: File;
  readonly terms: FileTerms;
  readonly reason: string;
}

let interrupted: { readonly dropped: Dropped; readonly owner: string } | undefined;

/** Keeps a file whose upload ended with the session, until its owner has logged in again. */
export function keepInterrupted(dropped: Dropped, owner: string): void {
  interrupted = { dropped, owner };
}

/** The file that the same user was sending when the session ended; forgotten if another user asks. */
export function takeInterrupted(owner: string): Dropped | undefined {
  const kept = interrupted?.owner === owner ? interrupted.dropped : undefined;
  interrupted = undefined;
  return kept;
}
