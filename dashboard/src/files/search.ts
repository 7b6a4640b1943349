import type { FileStateName } from './queries.ts';

export const FILE_STATES = [
  'held',
  'waiting',
  'reading',
  'done',
  'refused',
  'failed',
  'canceled',
] as const satisfies readonly FileStateName[];

/** What the list of files and batches shows: the search part of its address. */
export interface FilesSearch {
  readonly list?: 'files' | 'batches' | undefined;
  /** How many come before this page. */
  readonly start?: number | undefined;
  /** Only files in this state. */
  readonly state?: FileStateName | undefined;
}

/** The search of an address that someone may have typed: what it does not understand is left out. */
export function filesSearchOf(raw: Record<string, unknown>): FilesSearch {
  const { list, start } = raw;
  const state = FILE_STATES.find((each) => each === raw['state']);
  return {
    ...(list === 'batches' && { list }),
    ...(typeof start === 'number' && Number.isInteger(start) && start > 0 && { start }),
    ...(state !== undefined && { state }),
  };
}
