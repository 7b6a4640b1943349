import { IGNORE, isStatusColumn, type ColumnTarget } from '../../domain/file-columns.ts';
import { QUANTITY_MAX, type Inventory } from '../../domain/inventory.ts';
import type { ReadingRules } from '../../domain/reading-rules.ts';
import {
  quoted,
  refusedRow,
  RowDraft,
  SKU_ID_LENGTH,
  unsellableRow,
  type FileRow,
} from '../format.ts';
import { flagOf, statusOf } from '../status-words.ts';
import { isUnsellable } from '../unsellable.ts';
import { isBarcodeColumn, readBarcode } from './barcodes.ts';
import { isPlaceholder, isStatusPlaceholder, withoutApostrophe, withoutBlanks } from './blanks.ts';
import { NULL_CELL, readCell, type CellReading } from './cells.ts';
import {
  IDENTIFIER_COLUMNS,
  INVENTORY_COLUMNS,
  type Column,
  type MatchedHeader,
} from './columns.ts';
import { mappingOf } from './header-refusals.ts';
import { isTotalPlace, placeOf, unsellablePlace } from './place-columns.ts';
import { ReadingNotes } from './reading-notes.ts';
import type { CellRules } from './quantities.ts';
import { inUnits } from './row-units.ts';
import { readStatus, RowStatus } from './statuses.ts';
import type { TableRow } from './table.ts';

const IDENTIFIERS: ReadonlySet<ColumnTarget> = new Set(IDENTIFIER_COLUMNS);
const FIELDS: ReadonlySet<ColumnTarget> = new Set(INVENTORY_COLUMNS);

type CellRow = Extract<TableRow, { readonly cells: readonly string[] }>;

/** Reads the rows of an inventory table, and notes what it read otherwise than written. */
export class InventoryReader {
  readonly notes = new ReadingNotes();
  readonly #header: MatchedHeader;
  readonly #rules: CellRules;
  /** The columns that are read, the identifiers first. */
  readonly #columns: readonly Column[];

  constructor(header: MatchedHeader, rules: ReadingRules) {
    this.#header = header;
    this.#rules = { ...rules, languages: header.languages };
    const { columns } = header;
    this.#columns = [
      ...columns.filter(({ target }) => IDENTIFIERS.has(target)),
      ...columns.filter(({ target }) => FIELDS.has(target)),
    ];
  }

  /** The line of a row. Its refusal names the row, the column, the value and what is allowed. */
  read(row: TableRow): FileRow {
    if ('fault' in row) return refusedRow(row.row, row.found ?? [], `Row ${row.row} ${row.fault}.`);
    const { draft, line, unsellable } = new RowReading(
      row,
      this.#header,
      this.#rules,
      this.notes,
    ).read(this.#columns);
    const location = placeOf(row.cells, this.#header.places);
    const { dayPlace } = this.#header;
    const day = dayPlace === undefined ? '' : withoutBlanks(row.cells[dayPlace] ?? '');
    const isTotal = isTotalPlace(row.cells, this.#header.places);
    const read: FileRow = {
      row: row.row,
      cells: row.cells,
      line,
      ...(location !== undefined && { location }),
      ...(isTotal && { isTotal }),
      ...(day !== '' && { day }),
      ...(draft.warnings.length > 0 && { warnings: draft.warnings }),
    };
    return this.#withoutUnsellable(read, unsellable);
  }

  /** Leaves the row out if its place, or else its status, says that its stock cannot be sold. */
  #withoutUnsellable(row: FileRow, status: UnsellableStatus | undefined): FileRow {
    const place = unsellablePlace(row.cells, this.#header.judgedPlaces);
    const header = place === undefined ? status?.header : this.#header.names[place.at];
    const name = place?.name ?? status?.name;
    if (header === undefined || name === undefined) return row;
    const left = unsellableRow(row, name, {
      place: `Row ${row.row}, column ${quoted(header)}`,
      keep: `To read it like any other, send ${mappingOf([{ header, target: IGNORE }])}.`,
      isSummed: this.#rules.locations === 'sum',
    });
    if (left !== row) this.notes.add('unsellable', header, name, row.row);
    return left;
  }
}

/** A status that says that the stock of its row cannot be sold. */
interface UnsellableStatus {
  readonly header: string;
  readonly name: string;
}

/** Reads one row. */
class RowReading {
  readonly #row: CellRow;
  readonly #header: MatchedHeader;
  readonly #rules: CellRules;
  readonly #notes: ReadingNotes;
  readonly #draft = new RowDraft();
  readonly #status = new RowStatus();
  /** Quantities whose cells name their unit themselves, such as `2 dozen`: they are in units already. */
  readonly #inUnits = new Set<keyof Inventory>();
  #hasSkuId = false;
  #unsellable: UnsellableStatus | undefined;
  /** Whether a column of this row has a status, although its header is that of the stock. */
  #hasStatusForStock = false;

  constructor(row: CellRow, header: MatchedHeader, rules: CellRules, notes: ReadingNotes) {
    this.#row = row;
    this.#header = header;
    this.#rules = rules;
    this.#notes = notes;
  }

  read(columns: readonly Column[]): {
    readonly draft: RowDraft;
    readonly line: FileRow['line'];
    readonly unsellable: UnsellableStatus | undefined;
  } {
    for (const column of columns) this.#readColumn(column);
    this.#applyUnit();
    this.#applyStatus();
    const { row } = this.#row;
    const draft = this.#draft;
    const line = draft.build(
      () => `Row ${row} names no SKU: fill in one or more of ${this.#headersOf(IDENTIFIERS)}.`,
      () => `Row ${row} sets nothing: fill in one or more of ${this.#headersOf(FIELDS)}.`,
    );
    return { draft, line, unsellable: this.#unsellable };
  }

  #headersOf(targets: ReadonlySet<ColumnTarget>): string {
    const { columns } = this.#header;
    return columns
      .filter(({ target }) => targets.has(target))
      .map(({ header }) => quoted(header))
      .join(', ');
  }

  #readColumn(column: Column): void {
    const { target, place } = column;
    const broken = this.#row.unreadable?.find((cell) => cell.place === place);
    if (broken !== undefined) return this.#fault(column, broken.reason);
    const cell = this.#row.cells[place] ?? '';
    if (withoutBlanks(cell) === '') return;
    if (isStatusColumn(target)) this.#readStatus(column, cell);
    else if (isBarcodeColumn(target)) this.#readBarcode(column, cell);
    else this.#readCell(column, cell);
  }

  #readCell(column: Column, cell: string): void {
    const { target } = column;
    if (isStatusColumn(target) || target === 'unit') return;
    const isFraction = this.#row.fractions?.includes(column.place) === true;
    const rules: CellRules = isFraction ? { ...this.#rules, decimal: 'point' } : this.#rules;
    const reading = readCell(target, cell, rules);
    switch (reading?.kind) {
      case 'skuId':
        this.#hasSkuId = true;
        // A SKU that really has the blanks around its sku_id is found first.
        this.#draft.setSkuId(reading.asWritten);
        if (reading.asWritten !== reading.skuId) this.#draft.alternatives = reading.alternatives;
        return;
      case 'null':
        return this.#fault(column, `NULL names nothing; ${SKU_ID_LENGTH}`);
      case 'placeholder':
        return this.#notes.add('placeholder', column.header, withoutBlanks(cell), this.#row.row);
      case 'inventory':
        if (/^\d.*\p{L}/u.test(withoutApostrophe(cell))) this.#inUnits.add(reading.name);
        return this.#setField(column, reading.name, reading.value);
      case 'fault':
        return this.#fieldFault(column, cell, reading);
      case 'gtin':
      case 'product':
      case undefined:
    }
  }

  #readBarcode(column: Column, cell: string): void {
    const { target, header } = column;
    if (!isBarcodeColumn(target) || withoutBlanks(cell) === NULL_CELL) return;
    if (isPlaceholder(cell)) {
      this.#notes.add('placeholder', header, withoutBlanks(cell), this.#row.row);
      if (!this.#hasSkuId)
        this.#draft.addMissing(this.#message(column, `${quoted(cell)} stands for no identifier`));
      return;
    }
    const reading = readBarcode(target, cell);
    if ('gtin' in reading)
      return this.#draft.addGtin(target === 'gtin' ? reading.form : target, reading.gtin, cell);
    const message = this.#message(column, `${quoted(cell)} ${reading.refusal}`);
    if (this.#hasSkuId && this.#rules.identifiers === 'sku_id_first') {
      this.#notes.add('identifier', header, withoutBlanks(cell), this.#row.row);
      this.#draft.addWarning(message);
    } else this.#draft.addIdentifierFault(message);
  }

  #readStatus(column: Column, cell: string): void {
    const { target, header } = column;
    if (!isStatusColumn(target)) return;
    if (withoutBlanks(cell) === NULL_CELL) return this.#status.add('available');
    const status = readStatus(target, cell);
    if (status !== undefined) return this.#status.add(status);
    if (isStatusPlaceholder(cell)) return;
    const value = withoutBlanks(cell);
    if (isUnsellable(value)) {
      this.#unsellable ??= { header, name: value };
      return;
    }
    this.#notes.add('status', header, value, this.#row.row);
    this.#warnOrFault(this.#message(column, `${quoted(value)} is not a known status`));
  }

  /** Adds up several columns of one quantity. NULL adds nothing. */
  #setField(column: Column, name: keyof Inventory, value: number | null): void {
    const before = this.#draft.fields[name];
    const isAnother = typeof before === 'number' && name.startsWith('quantity');
    if (!isAnother) return this.#draft.setField(name, value);
    const sum = before + (value ?? 0);
    if (sum > QUANTITY_MAX) return this.#fault(column, `the sum is more than ${QUANTITY_MAX}`);
    this.#draft.setField(name, sum);
  }

  #fieldFault(
    column: Column,
    cell: string,
    { reason, rule }: Extract<CellReading, { readonly kind: 'fault' }>,
  ): void {
    const { target, header } = column;
    const message = this.#message(column, `${quoted(cell)} ${reason}`);
    if (target === 'backorder_date') {
      this.#notes.add('date', header, withoutBlanks(cell), this.#row.row);
      return this.#warnOrFault(message);
    }
    if (this.#isStatusBesideStock(column, cell)) return;
    if (rule !== undefined) {
      const kind = rule === 'words' ? 'word' : 'negative';
      this.#notes.add(kind, header, withoutApostrophe(cell), this.#row.row);
    }
    this.#draft.addFieldFault(message);
  }

  /**
   * A column such as `Available` with yes and no is the status if another column has the stock. `Backorder` with
   * yes and no is not: it says nothing about the stock.
   */
  #isStatusBesideStock(column: Column, cell: string): boolean {
    const { target, by } = column;
    const stock = this.#header.stockBesideStatus;
    if (target !== 'quantity_in_stock' || by !== 'alias') return false;
    if (stock === null || this.#hasStatusForStock) return false;
    if (flagOf(cell) === undefined && statusOf(cell) === undefined) return false;
    this.#hasStatusForStock = true;
    this.#readStatus({ ...column, target: 'status' }, cell);
    this.#readColumn(stock);
    return true;
  }

  /** Converts the quantities into units, if the row counts cases or dozens. */
  #applyUnit(): void {
    const { columns, languages } = this.#header;
    const column = columns.find(({ target }) => target === 'unit');
    if (column === undefined) return;
    const cellOf = (place: number | undefined): string =>
      withoutBlanks(place === undefined ? '' : (this.#row.cells[place] ?? ''));
    const bundled = columns.find(({ target }) => target === 'number_of_units_bundled');
    const unit = cellOf(column.place);
    for (const name of ['quantityInStock', 'quantityOnBackorder'] as const) {
      const quantity = this.#draft.fields[name];
      if (typeof quantity !== 'number' || this.#inUnits.has(name)) continue;
      const converted = inUnits(quantity, unit, languages, cellOf(bundled?.place));
      if (converted === undefined)
        return this.#notes.add('unit', column.header, unit, this.#row.row);
      if ('refusal' in converted)
        return this.#fault(
          column,
          `${converted.refusal}; if the column does not say what the quantity counts, send ${mappingOf([{ header: column.header, target: IGNORE }])}`,
        );
      if (converted.units === quantity) continue;
      this.#draft.setField(name, converted.units);
      this.#draft.addWarning(
        this.#message(column, `${quantity} ${quoted(unit)} are ${converted.units} units`),
      );
    }
  }

  /** Sets the restriction. The stock of a row that says out of stock is 0, whatever its quantity. */
  #applyStatus(): void {
    const draft = this.#draft;
    const { restriction, isOutOfStock } = this.#status;
    if (restriction !== undefined && draft.fields.restrictions === undefined)
      draft.setField('restrictions', restriction);
    if (!isOutOfStock) return;
    const quantity = draft.fields.quantityInStock;
    if (typeof quantity === 'number' && quantity > 0) {
      const { row } = this.#row;
      const [column] = this.#header.columns.filter(({ target }) => target === 'quantity_in_stock');
      this.#notes.add('contradiction', column?.header ?? '', String(quantity), row);
      draft.addWarning(
        `Row ${row}: the status says out of stock, so the quantity ${quantity} was not applied and the stock is 0.`,
      );
    }
    if (quantity !== 0) draft.setField('quantityInStock', 0);
  }

  #warnOrFault(message: string): void {
    if (this.#rules.strict) this.#draft.addFieldFault(message);
    else this.#draft.addWarning(message);
  }

  #fault(column: Column, reason: string): void {
    const message = this.#message(column, reason);
    if (IDENTIFIERS.has(column.target)) this.#draft.addIdentifierFault(message);
    else this.#draft.addFieldFault(message);
  }

  #message({ header }: Column, reason: string): string {
    return `Row ${this.#row.row}, column ${quoted(header)}: ${reason}.`;
  }
}
