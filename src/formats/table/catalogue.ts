import type { CatalogueRow, Complaint, NamedGtin } from '../../domain/catalogue.ts';
import { isStatusColumn } from '../../domain/file-columns.ts';
import { OnhandError } from '../../domain/errors.ts';
import { GTIN_FORMS } from '../../domain/gtin.ts';
import type { Inventory } from '../../domain/inventory.ts';
import { skuIdCanExist } from '../../domain/lines.ts';
import type { ReadingRules } from '../../domain/reading-rules.ts';
import type { Product } from '../../domain/sku.ts';
import type { FormatLimits } from '../format.ts';
import { openFile, type FileSource } from '../open-file.ts';
import { withoutApostrophe } from './blanks.ts';
import { readCell, type CellReading } from './cells.ts';
import { matchCatalogue, type Column, type MatchedHeader } from './columns.ts';
import type { ReadingNotes } from './reading-notes.ts';
import type { Table, TableRow } from './table.ts';

/** A row with its cells, as they are in the file. */
export interface CatalogueFileRow extends CatalogueRow {
  readonly cells: readonly string[];
}

/** A catalogue whose header was read. Close it, whether or not its rows were read. */
export interface Catalogue {
  /** The file's header of the column that is read as `sku_id`. */
  readonly skuIdHeader: string;
  /** Headers of the columns that are ignored. */
  readonly unknownColumns: readonly string[];
  /** The names of a row's cells, for the results. */
  readonly header: readonly string[];
  /** The rows below the header, without blank ones. Can be read once. */
  readonly rows: AsyncGenerator<CatalogueFileRow>;
  /** Releases the file. Idempotent. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a catalogue in CSV or XLSX. Rejects with `body_malformed` if the file is neither, or if its
 * header cannot be used. Reading the rows rejects if the file is damaged further on; a fault in a
 * single row becomes a complaint of that row.
 */
export async function openCatalogue(
  source: FileSource,
  rules: ReadingRules,
  limits: FormatLimits,
): Promise<Catalogue> {
  const match = (header: readonly string[]): MatchedHeader =>
    matchCatalogue(header, rules.columns, limits.columnsMax);
  const file = await openFile(source, limits, rules.columns);
  try {
    return readCatalogue(await file.openTable(match), rules, () => file.close());
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Reads a table as a catalogue. `closeFile` releases the file that the table is read from; `notes` collects the cells
 * that a rule would read.
 */
export function readCatalogue(
  { header, headerCells, rows }: Table<MatchedHeader>,
  rules: ReadingRules,
  closeFile: () => Promise<void>,
  notes?: ReadingNotes,
): Catalogue {
  return {
    skuIdHeader: header.columns.find((column) => column.target === 'sku_id')?.header ?? 'sku_id',
    unknownColumns: header.unknown,
    header: headerCells,
    rows: readRows(rows, header, rules, notes),
    close: async () => {
      await rows.return(undefined);
      await closeFile();
    },
  };
}

async function* readRows(
  rowArrays: AsyncGenerator<readonly TableRow[]>,
  header: MatchedHeader,
  rules: ReadingRules,
  notes: ReadingNotes | undefined,
): AsyncGenerator<CatalogueFileRow> {
  // A column of mixed codes comes last: it gives way to the columns of a single form.
  const columns = header.columns.toSorted(
    (a, b) => Number(a.target === 'gtin') - Number(b.target === 'gtin'),
  );
  for await (const rows of rowArrays) {
    for (const row of rows) {
      if ('fault' in row && row.isUnclosed === true) throw neverClosed(row.row);
      if ('fault' in row) {
        const cells = row.found ?? [];
        yield { ...rejectedRow(row.row, cells.join(','), row.fault), cells };
      } else yield { ...new EntryDraft(notes).read(row, columns, rules), cells: row.cells };
    }
  }
}

/** A catalogue is applied as a whole, so one that may be incomplete is refused. */
function neverClosed(row: number): OnhandError {
  return new OnhandError('body_malformed', `A quote is opened and never closed (row ${row}).`);
}

/** What is wrong with a cell. `rejected` rejects its whole row. */
type CellFault = Pick<Complaint, 'kind' | 'reason'> | undefined;

/** The entry of one row while its cells are read. */
class EntryDraft {
  #skuId: string | undefined;
  readonly #product: Partial<Product> = {};
  readonly #inventory: Partial<Inventory> = {};
  readonly #gtins: NamedGtin[] = [];
  readonly #notes: ReadingNotes | undefined;

  constructor(notes: ReadingNotes | undefined) {
    this.#notes = notes;
  }

  read(
    { row, cells, unreadable, fractions }: Extract<TableRow, { cells: readonly string[] }>,
    columns: readonly Column[],
    rules: ReadingRules,
  ): CatalogueRow {
    const complaints: Complaint[] = [];
    for (const column of columns) {
      const { target } = column;
      if (isStatusColumn(target) || target === 'unit') continue;
      const cell = cells[column.place] ?? '';
      const broken = unreadable?.find(({ place }) => place === column.place);
      // A workbook's number has a point, whatever the country.
      const isFraction = fractions?.includes(column.place) === true;
      const reading = readCell(target, cell, isFraction ? { ...rules, decimal: 'point' } : rules);
      if (reading?.kind === 'fault' && reading.rule !== undefined)
        this.#notes?.add(
          reading.rule === 'words' ? 'word' : 'negative',
          column.header,
          withoutApostrophe(cell),
          row,
        );
      const fault =
        broken === undefined ? this.#take(column, cell, reading) : rejected(broken.reason);
      if (fault !== undefined)
        complaints.push({ row, column: column.header, value: shown(cell), ...fault });
    }
    if (this.#skuId === undefined || complaints.some(({ kind }) => kind === 'rejected'))
      return { row, entry: null, gtins: [], complaints };
    const entry = { skuId: this.#skuId, product: this.#product, inventory: this.#inventory };
    return { row, entry, gtins: this.#gtins, complaints };
  }

  #take(column: Column, cell: string, reading: CellReading | undefined): CellFault {
    switch (reading?.kind) {
      case 'placeholder':
        return undefined;
      case undefined:
        return column.target === 'sku_id' ? rejected(SKU_ID_MISSING) : undefined;
      case 'skuId':
        this.#skuId = reading.skuId;
        return skuIdCanExist(reading.skuId) ? undefined : rejected('holds a NUL character');
      case 'null':
        return this.#takeNull(column);
      case 'gtin':
        return this.#takeGtin(column, cell, reading);
      case 'inventory':
        Object.assign(this.#inventory, { [reading.name]: reading.value });
        return undefined;
      case 'product':
        Object.assign(this.#product, reading.product);
        return undefined;
      case 'fault':
        return isGtinColumn(column)
          ? doubtful(`${reading.reason}; the SKU is loaded without it`)
          : rejected(reading.reason);
    }
  }

  #takeNull({ target }: Column): CellFault {
    if (target === 'sku_id') return rejected(SKU_ID_MISSING);
    const form = GTIN_FORMS.find((name) => name === target);
    if (form !== undefined) Object.assign(this.#product, { [form]: null });
    return undefined;
  }

  #takeGtin(
    { target, header }: Column,
    cell: string,
    { form, gtin, text, doubt }: Extract<CellReading, { kind: 'gtin' }>,
  ): CellFault {
    const own = target === 'gtin' ? this.#product[form] : undefined;
    if (own !== undefined && own !== null && own !== text)
      return doubtful(`is ${form} ${text}, but the row's own ${form} is ${own}, which is kept`);
    if (own === undefined) {
      Object.assign(this.#product, { [form]: text });
      if (!this.#gtins.some((named) => named.gtin === gtin))
        this.#gtins.push({ gtin, column: header, value: cell });
    }
    return doubt === undefined ? undefined : doubtful(doubt);
  }
}

const SKU_ID_MISSING = 'is missing; every row needs one';

function isGtinColumn({ target }: Column): boolean {
  return target === 'gtin' || GTIN_FORMS.some((form) => form === target);
}

function rejected(reason: string): CellFault {
  return { kind: 'rejected', reason };
}

function doubtful(reason: string): CellFault {
  return { kind: 'doubtful', reason };
}

function rejectedRow(row: number, value: string, reason: string): CatalogueRow {
  const complaint: Complaint = { row, column: '', value: shown(value), reason, kind: 'rejected' };
  return { row, entry: null, gtins: [], complaints: [complaint] };
}

const VALUE_SHOWN_MAX = 200;

/** A cell as a complaint shows it: short, and without NUL, which would corrupt the report. */
function shown(value: string): string {
  const short =
    value.length > VALUE_SHOWN_MAX ? `${value.slice(0, VALUE_SHOWN_MAX).toWellFormed()}…` : value;
  return short.replaceAll('\0', '\uFFFD');
}
