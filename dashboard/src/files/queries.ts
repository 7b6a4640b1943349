import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type {
  Batch,
  File as StockFile,
  FileEffects,
  FilePage,
  FileWithBatches,
} from '../../../client/src/index.ts';
import type { Acting } from '../acting/acting.tsx';

export const FILES_PATH = '/timp/organizations/files/';
export const FILE_SETTINGS_PATH = `${FILES_PATH}settings/`;
const POLL_MS = 400;
const LIST_POLL_MS = 3000;
const EFFECTS_LIMIT = 100;

export type EffectFilter = 'failed' | 'changed' | 'to_zero';

/** Whether the server still works on it. */
export function isUnfinished({ state }: Pick<StockFile, 'state'>): boolean {
  return state === 'waiting' || state === 'reading';
}

/** One file, asked for again until it is finished. */
export function fileQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['files', scope, uuid],
    queryFn: async ({ signal }): Promise<FileWithBatches> => onhand.files.get(uuid, { signal }),
    refetchInterval: ({ state: { data } }) =>
      data !== undefined && isUnfinished(data) ? POLL_MS : false,
  });
}

export type FileStateName = StockFile['state'];

export interface FilesAsked {
  readonly start: number;
  readonly limit: number;
  /** Only files in this state. */
  readonly state?: FileStateName | undefined;
}

const HELD_LIMIT = 10;

/** The latest files that wait for an answer. */
export function heldFilesQuery(acting: Acting) {
  return filesQuery(acting, { start: 0, limit: HELD_LIMIT, state: 'held' });
}

/** A page of the files, latest first, asked for again while one of them is not finished. */
export function filesQuery({ transport, scope }: Acting, asked: FilesAsked) {
  return queryOptions({
    queryKey: ['files', scope, 'list', asked],
    queryFn: async ({ signal }): Promise<FilePage> =>
      transport.json<FilePage>(
        { method: 'GET', path: FILES_PATH, query: { ...asked } },
        { signal },
      ),
    refetchInterval: ({ state: { data } }) =>
      data?.files.some(isUnfinished) === true ? LIST_POLL_MS : false,
  });
}

/** The totals of what a file did or would do, and why rows failed. */
export function effectTotalsQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['files', scope, uuid, 'effects', 'totals'],
    queryFn: async ({ signal }): Promise<FileEffects> =>
      // Failed rows are stored apart. To list another row, the server reads the file.
      onhand.files.effects(uuid, { only: 'failed', limit: 1 }, { signal }),
    staleTime: Infinity,
  });
}

/** The rows of a file that it changes or that failed, page after page. */
export function effectsQuery({ onhand, scope }: Acting, uuid: string, only: EffectFilter) {
  return infiniteQueryOptions({
    queryKey: ['files', scope, uuid, 'effects', only],
    queryFn: async ({ pageParam, signal }): Promise<FileEffects> =>
      onhand.files.effects(uuid, { only, start: pageParam, limit: EFFECTS_LIMIT }, { signal }),
    initialPageParam: 0,
    getNextPageParam: ({ pagination }) => pagination.next_start_index,
    staleTime: Infinity,
  });
}

const PREVIEW_ROWS = 20;

/** The first rows of a file. */
export function previewQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['files', scope, uuid, 'preview'],
    queryFn: async ({ signal }) => onhand.files.preview(uuid, { rows: PREVIEW_ROWS }, { signal }),
    staleTime: Infinity,
  });
}

export function batchesQuery({ onhand, scope }: Acting, start: number, limit: number) {
  return queryOptions({
    queryKey: ['batches', scope, 'list', start, limit],
    queryFn: async ({ signal }) => onhand.batches.page({ start, limit }, { signal }),
  });
}

export function batchQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['batches', scope, uuid],
    queryFn: async ({ signal }): Promise<Batch> => onhand.batches.get(uuid, { signal }),
  });
}

export function batchResultsQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['batches', scope, uuid, 'results'],
    queryFn: async ({ signal }) => onhand.batches.results(uuid, { signal }),
  });
}

/** How many of the lines were applied, and how many were not. */
export function countsOf(statusCounts: Readonly<Record<string, number>>): {
  readonly applied: number;
  readonly failed: number;
} {
  const all = Object.values(statusCounts).reduce((sum, count) => sum + count, 0);
  const applied = statusCounts['200'] ?? 0;
  return { applied, failed: all - applied };
}
