import type { LineDraft } from '../../src/domain/lines.ts';
import { parseColumnMap } from '../../src/formats/table/columns.ts';
import { openStockFile, type Feed, type InventoryFile } from '../../src/formats/stock-file.ts';
import type { JsonLineReader } from '../../src/formats/json.ts';
import { FORMAT_LIMITS, type FormatLimits } from '../../src/formats/format.ts';
import type { FeedRow } from '../../src/formats/rows.ts';
import { jsonLineReader } from '../../src/wire/lines/lines.ts';
import { onDisk } from './archives.ts';
import { all, bytesOf } from './reading.ts';

export interface ReadingTerms {
  readonly columnMap?: string;
  readonly limits?: Partial<FormatLimits>;
  readonly chunkBytes?: number;
}

/** Reads the JSON lines of one feed as a bulk update reads them. */
export function newJsonLineReader(): JsonLineReader {
  return jsonLineReader({ nowMs: 0, asOfToleranceSeconds: Infinity, asOfUs: undefined });
}

/** Opens a file that lies on disk, so that archives can be read too. */
export async function open(file: string | Uint8Array, terms: ReadingTerms = {}): Promise<Feed> {
  const { columnMap = '', limits = {}, chunkBytes } = terms;
  const path = await onDisk(Buffer.from(file));
  return openStockFile(
    { bytes: bytesOf(file, chunkBytes), path },
    {
      mappings: parseColumnMap(columnMap),
      limits: { ...FORMAT_LIMITS, ...limits },
      readJsonLine: newJsonLineReader(),
    },
  );
}

/** Opens a file that is inventory. */
export async function openInventory(
  file: string | Uint8Array,
  terms: ReadingTerms = {},
): Promise<InventoryFile> {
  const feed = await open(file, terms);
  if (feed.kind !== 'inventory') throw new Error('the file is taken for a catalogue');
  return feed;
}

/** All rows of a file that is inventory. */
export async function rowsOf(
  file: string | Uint8Array,
  terms: ReadingTerms = {},
): Promise<readonly FeedRow[]> {
  return (await all((await openInventory(file, terms)).rows)).flat();
}

/** All lines, without how they were sent; those refused as their message. */
export async function linesOf(
  file: string | Uint8Array,
  terms: ReadingTerms = {},
): Promise<readonly (Pick<LineDraft, 'skuId' | 'gtins' | 'fields'> | string)[]> {
  return (await rowsOf(file, terms)).map(({ line }) => {
    const { skuId, gtins, fields, refusal } = line;
    return refusal === undefined ? { skuId, gtins, fields } : refusal.message;
  });
}
