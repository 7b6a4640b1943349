import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CHOICE_NAMES,
  NO_RULES,
  RULE_CHOICES,
  type ReadingRules,
} from '../../../src/domain/reading-rules.ts';
import type { FileRow, FormatLimits } from '../../../src/formats/format.ts';
import { openStockFile, type StockFile } from '../../../src/formats/stock-file.ts';
import { readSettings } from '../../../src/settings/read.ts';
import { jsonLineReader } from '../../../src/wire/lines/lines.ts';
import type { Random } from '../../random.ts';
import { checkMessage, expectThat, outcomeOfAsync, type Outcome } from '../target.ts';

/** So small that inputs of a few kilobytes reach them. */
const LIMITS: FormatLimits = {
  ...readSettings({}, {}).formatLimits,
  columnsMax: 60,
  missingCellsMax: 2000,
  emptyCellsMax: 2000,
  cellCharactersMax: 300,
  rowCharactersMax: 1500,
  rowsMax: 200,
  sharedStringsMax: 100,
  sharedStringBytesMax: 2000,
  sheetCharactersMax: 4000,
  sheetsMax: 5,
  cellFormatsMax: 50,
  mergedCellsMax: 20,
  inflatedBytesMax: 64 * 1024,
  entriesMax: 20,
};

/** All that a reader says about a file. */
export interface ReadFile {
  readonly kind: string;
  readonly format: string;
  readonly description: unknown;
  readonly rows: readonly FileRow[];
}

export async function* arriving(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield await Promise.resolve(part);
}

/** Zip archives are read from disk. */
export class FileOnDisk {
  readonly #folder = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'onhand-fuzz-'),
  );
  readonly path = join(this.#folder, 'file');

  constructor() {
    process.once('exit', () => this.remove());
  }

  write(bytes: Uint8Array): void {
    writeFileSync(this.path, bytes);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Reads a whole file; checks what holds for each of its rows. */
export function readFile(
  parts: readonly Buffer[],
  rules: ReadingRules,
  path?: string,
): Promise<Outcome<ReadFile>> {
  return outcomeOfAsync(async () => {
    const file = await openStockFile(
      { bytes: arriving(parts), ...(path !== undefined && { path }) },
      {
        rules,
        isInspected: true,
        limits: LIMITS,
        readJsonLine: jsonLineReader({
          nowMs: 0,
          asOfToleranceSeconds: Infinity,
          asOfUs: undefined,
        }),
      },
    );
    try {
      return await readAll(file);
    } finally {
      await file.close();
    }
  });
}

async function readAll(file: StockFile): Promise<ReadFile> {
  const { kind, format, packing, rowUnit, columns, unknownColumns, overlooked, sheet } = file;
  const rows: FileRow[] = [];
  if (file.kind === 'catalogue') {
    const read: unknown[] = [];
    for await (const { row, entry, gtins, complaints } of file.rows)
      read.push({ row, entry, gtins, complaints });
    return { kind, format, rows, description: { columns, unknownColumns, read } };
  }
  let last = 0;
  for await (const some of file.rows) {
    for (const row of some) {
      // A segment that names several places is a row for each of them.
      const isNext = rowUnit === 'segment' ? row.row >= last : row.row > last;
      expectThat(isNext, 'row numbers grow', { row: row.row, last });
      last = row.row;
      checkRow(row);
    }
    rows.push(...some);
  }
  const terms = { controlNumber: 7, atMs: 1_795_000_000_000, isRefused: false };
  const description = {
    packing,
    rowUnit,
    columns,
    unknownColumns,
    overlooked,
    sheet,
    notes: file.notes(),
    encoding: file.encoding(),
    decimals: file.decimals(),
    datedAs: file.datedAs(),
    acknowledged: file.acknowledge(() => terms),
    refused: file.acknowledge(() => ({ ...terms, isRefused: true })),
  };
  for (const note of description.notes) checkMessage(note);
  return { kind, format, rows, description };
}

/** A row sets something for a SKU, or is refused with a reason. */
function checkRow({ row, line, warnings = [] }: FileRow): void {
  for (const warning of warnings) checkMessage(warning);
  if (line.refusal !== undefined) {
    checkMessage(line.refusal.message);
    return;
  }
  expectThat(
    line.skuId !== null || line.gtins.length > 0,
    'a row that names no SKU is applied',
    row,
  );
  const isSet = Object.keys(line.fields).length > 0 || line.stockChange !== undefined;
  expectThat(isSet, 'a row that sets nothing is applied', { row, line });
  for (const value of Object.values(line.fields)) {
    const isRight =
      value === null || (Number.isInteger(value) && value >= 0 && value <= 2_147_483_647);
    expectThat(isRight, 'a value that no field can have', { row, line });
  }
}

/** Rules at random, half of them not chosen. */
export function someRules(random: Random): ReadingRules {
  let rules: ReadingRules = { ...NO_RULES, strict: random.chance(0.2) };
  for (const name of CHOICE_NAMES) {
    // A catalogue has no lines, so it is seldom asked for.
    if (random.chance(name === 'kind' ? 0.9 : 0.5)) continue;
    rules = { ...rules, [name]: random.pick<string>(RULE_CHOICES[name]) };
  }
  if (random.chance(0.3))
    rules = {
      ...rules,
      words: new Map([
        ['in stock', 10],
        ['x', 0],
      ]),
    };
  return rules;
}
