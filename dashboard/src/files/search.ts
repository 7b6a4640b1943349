/** What the list of files and batches shows: the search part of its address. */
export interface FilesSearch {
  readonly list?: 'files' | 'batches' | undefined;
  /** How many come before this page. */
  readonly start?: number | undefined;
}

/** The search of an address that someone may have typed: what it does not understand is left out. */
export function filesSearchOf(raw: Record<string, unknown>): FilesSearch {
  const { list, start } = raw;
  return {
    ...(list === 'batches' && { list }),
    ...(typeof start === 'number' && Number.isInteger(start) && start > 0 && { start }),
  };
}
