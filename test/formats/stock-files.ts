import type { LineDraft } from '../../src/domain/lines.ts';
import {
  NO_RULES,
  parseColumnMappings,
  parseRules,
  RULE_NAMES,
  type ReadingRules,
  type RuleName,
} from '../../src/domain/reading-rules.ts';
import { openStockFile, type StockFile, type InventoryFile } from '../../src/formats/stock-file.ts';
import type { JsonLineReader } from '../../src/formats/json.ts';
import type { FileRow, FormatLimits } from '../../src/formats/format.ts';
import { FORMAT_LIMITS } from './limits.ts';
import { jsonLineReader } from '../../src/wire/lines/lines.ts';
import { onDisk } from './on-disk.ts';
import { all, bytesOf } from './reading.ts';

export interface ReadingTerms {
  readonly columnMap?: string;
  readonly rules?: Partial<ReadingRules>;
  readonly limits?: Partial<FormatLimits>;
  readonly chunkBytes?: number;
}

/** Reads the JSON lines of one file as a bulk update does. */
export function newJsonLineReader(): JsonLineReader {
  return jsonLineReader({ nowMs: 0, asOfToleranceSeconds: Infinity, asOfUs: undefined });
}

/** Rules as their sender writes them. */
export type RuleTexts = Partial<Record<RuleName, string>>;

export function rulesOf(texts: RuleTexts): ReadingRules {
  const given = RULE_NAMES.flatMap((name) => {
    const text = texts[name];
    return text === undefined ? [] : [[name, text] as const];
  });
  return { ...NO_RULES, ...parseRules(given) };
}

/** Opens a file from disk, since archives cannot be read from a stream. */
export async function open(
  file: string | Uint8Array,
  terms: ReadingTerms = {},
): Promise<StockFile> {
  const { columnMap = '', rules = {}, limits = {}, chunkBytes } = terms;
  const path = await onDisk(Buffer.from(file));
  return openStockFile(
    { bytes: bytesOf(file, chunkBytes), path },
    {
      rules: { ...NO_RULES, columns: parseColumnMappings(columnMap), ...rules },
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
  const opened = await open(file, terms);
  if (opened.kind !== 'inventory') throw new Error('the file was read as a catalogue');
  return opened;
}

/** All rows of a file that is inventory. */
export async function rowsOf(
  file: string | Uint8Array,
  terms: ReadingTerms = {},
): Promise<readonly FileRow[]> {
  const { rows, close } = await openInventory(file, terms);
  try {
    return (await all(rows)).flat();
  } finally {
    await close();
  }
}

/** All lines without `asSent`; a refused line as its message. */
export async function linesOf(
  file: string | Uint8Array,
  terms: ReadingTerms = {},
): Promise<readonly (Pick<LineDraft, 'skuId' | 'gtins' | 'fields'> | string)[]> {
  return (await rowsOf(file, terms)).map(({ line }) => {
    const { skuId, gtins, fields, refusal } = line;
    return refusal === undefined ? { skuId, gtins, fields } : refusal.message;
  });
}
