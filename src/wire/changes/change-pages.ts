import {
  ChangeSchema,
  printChangeRecord,
  printSupplier,
  SupplierEnteredSchema,
  SupplierLeftSchema,
} from './change-records.ts';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import { readUuids } from '../query.ts';
import { createValidator } from '../schema.ts';
import type { Change, ChangeRecord, NamedSupplier } from '../../domain/changes.ts';
import { type Inventory, printDate, restrictionName } from '../../domain/inventory.ts';
import { printTime } from '../times.ts';

export const CHANGE_LIMIT_MAX = 10_000;

export const CHANGE_LIMIT_DEFAULT = 1000;

/** Longest wait for changes to come, in seconds. */
export const WAIT_SECONDS_MAX = 60;

export const ChangeListQuerySchema = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        description: 'The `cursor` of the answer before: what came after it follows.',
      }),
    ),
    from: Type.Optional(
      Type.Enum(['start', 'now'], {
        description:
          'Where to begin without a cursor: at the first changes that are kept, or at those to come.',
      }),
    ),
    limit: Type.Integer({
      minimum: 1,
      maximum: CHANGE_LIMIT_MAX,
      default: CHANGE_LIMIT_DEFAULT,
      description: 'How many changes to answer with at most.',
    }),
    wait: Type.Integer({
      minimum: 0,
      maximum: WAIT_SECONDS_MAX,
      default: 0,
      description: 'How many seconds to wait for a change where there is none yet.',
    }),
    supplier_uuids: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Only changes of these suppliers: one, separated by commas, or repeated. The same in every request of one walk.',
      }),
    ),
  },
  { title: 'ChangeListQuery', additionalProperties: false },
);

export const ChangePageSchema = Type.Object(
  {
    records: Type.Array(Type.Union([ChangeSchema, SupplierEnteredSchema, SupplierLeftSchema])),
    cursor: Type.String({ description: 'Where to go on: the `after` of the next request.' }),
    has_more: Type.Boolean({ description: 'Whether there is more to read at once.' }),
  },
  { title: 'ChangePage', additionalProperties: false },
);

export interface ChangeListRequest {
  /** Where to go on from; undefined where it begins by `from`. */
  readonly after: string | undefined;
  readonly from: 'start' | 'now' | undefined;
  readonly limit: number;
  readonly waitSeconds: number;
  /** Undefined asks for all suppliers that the asker may see. */
  readonly supplierUuids: readonly string[] | undefined;
}

const readShape = createValidator(ChangeListQuerySchema, 'The query', 'parameter_invalid');

/**
 * Reads the query of the change feed, each parameter with its values.
 *
 * @param lastEventId what a client of server-sent events says that it has read; wins over `after`
 * @throws OnhandError `parameter_invalid`
 */
export function parseChangeList(
  query: ReadonlyMap<string, readonly string[]>,
  lastEventId: string | undefined,
): ChangeListRequest {
  const defaults = [
    ['limit', [String(CHANGE_LIMIT_DEFAULT)]],
    ['wait', ['0']],
  ] as const;
  const { after, from, limit, wait, supplier_uuids } = readShape(
    Object.fromEntries(
      [...defaults, ...query].map(([name, values]) => [name, asShaped(name, values)]),
    ),
  );
  const place = lastEventId ?? after;
  if (place === undefined && from === undefined) {
    throw invalid('say where to begin: after=<cursor>, from=now or from=start');
  }
  if (after !== undefined && from !== undefined) {
    throw invalid('after and from cannot be given together');
  }
  return { after: place, from, limit, waitSeconds: wait, supplierUuids: supplier_uuids };
}

/** Parameters come as texts; each in the type that its schema asks for, where it can be. */
function asShaped(name: string, values: readonly string[]): unknown {
  if (name === 'supplier_uuids') return readUuids(values);
  if (values.length > 1) throw invalid(`${name} is given ${values.length} times`);
  const [text = ''] = values;
  const isNumber = (name === 'limit' || name === 'wait') && /^[0-9]{1,15}$/.test(text);
  return isNumber ? Number(text) : text;
}

function invalid(what: string): OnhandError {
  return new OnhandError('parameter_invalid', `The query cannot be read: ${what}.`);
}

/** What a reader got at once: records in their order, and where to go on. */
export interface ChangePage {
  readonly records: readonly ChangeRecord[];
  /** Where to go on after the last record, as text. */
  readonly cursor: string;
}

/**
 * Prints changes as text: to the byte what `JSON.stringify` makes of `printChangeRecord`, in a third of the
 * time. What neighbours share, their supplier and their time, is printed once.
 */
class ChangePrinter {
  #supplier: NamedSupplier | undefined;
  #supplierText = '';
  #timeMs: number | undefined;
  #timeText = '';

  print(record: ChangeRecord): string {
    return record.kind === 'change'
      ? this.#printChange(record.change)
      : JSON.stringify(printChangeRecord(record));
  }

  #printChange({ supplier, sku, changedAtMs, ...change }: Change): string {
    if (supplier !== this.#supplier) {
      this.#supplier = supplier;
      this.#supplierText = JSON.stringify(printSupplier(supplier));
    }
    if (changedAtMs !== this.#timeMs) {
      this.#timeMs = changedAtMs;
      this.#timeText = printTime(changedAtMs);
    }
    const { upca, ean13, gtin14, isbn, asin, mpn } = sku.identifiers;
    return (
      `{"kind":"change","supplier":${this.#supplierText},` +
      `"sku":{"uuid":"${sku.uuid}","sku_id":${JSON.stringify(sku.skuId)},` +
      `"product_identifiers":{"upca":${text(upca)},"ean13":${text(ean13)},"gtin14":${text(gtin14)},` +
      `"isbn":${text(isbn)},"asin":${text(asin)},"mpn":${text(mpn)}}},` +
      `"sequence":${change.sequence},"time":"${this.#timeText}",` +
      `"before":${inventoryText(change.before)},"after":${inventoryText(change.after)},` +
      `"batch":{"uuid":"${change.batchUuid}"},"reason":${text(change.reason)}}`
    );
  }
}

function text(value: string | null): string {
  return value === null ? 'null' : JSON.stringify(value);
}

function inventoryText(inventory: Inventory): string {
  const { quantityInStock, quantityOnBackorder, backorderDate, restrictions } = inventory;
  return (
    `{"quantity_in_stock":${quantityInStock},"quantity_on_backorder":${quantityOnBackorder},` +
    `"restrictions":${text(restrictionName(restrictions))},` +
    `"backorder_date":${backorderDate === null ? 'null' : text(printDate(backorderDate))}}`
  );
}

/** A page of the change feed; `hasMore` says whether there is more to read at once. */
export function printChangePage({ records, cursor }: ChangePage, hasMore: boolean): string {
  const printer = new ChangePrinter();
  const printed = records.map((record) => printer.print(record)).join(',');
  return `{"records":[${printed}],"cursor":${JSON.stringify(cursor)},"has_more":${hasMore}}`;
}

/** Changes as they were printed: those who follow one supplier are all told the same. */
const sseTexts = new WeakMap<Change, string>();

function sseText(record: ChangeRecord, printer: ChangePrinter): string {
  if (record.kind !== 'change') return printer.print(record);
  const known = sseTexts.get(record.change);
  if (known !== undefined) return known;
  const printed = printer.print(record);
  sseTexts.set(record.change, printed);
  return printed;
}

/**
 * A chunk as server-sent events, a record an event named after its kind. The last has the cursor as its
 * `id`, which clients send back as `Last-Event-ID`; an event without one leaves the id as it was.
 */
export function printSseChunk({ records, cursor }: ChangePage): string {
  const last = records.length - 1;
  const printer = new ChangePrinter();
  return records
    .map((record, i) => {
      // JSON.stringify leaves no line break in what it prints, so one data line is enough.
      const data = sseText(record, printer);
      const id = i === last ? `id: ${cursor}\n` : '';
      return `${id}event: ${record.kind}\ndata: ${data}\n\n`;
    })
    .join('');
}

/** What keeps a quiet stream from being cut by proxies; clients ignore it. */
export const SSE_KEEP_ALIVE = ': keep-alive\n\n';

/** How long a client of server-sent events waits before it connects again, in milliseconds. */
export function printSseRetry(retryMs: number): string {
  return `retry: ${retryMs}\n\n`;
}
