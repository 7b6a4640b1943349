import { Compile } from 'typebox/compile';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/domain/changes.ts';
import { NOTHING_KNOWN, RETIRED, restrictionCode } from '../../../src/domain/inventory.ts';
import {
  ChangeSchema,
  printChangeRecord,
  SupplierEnteredSchema,
  SupplierLeftSchema,
} from '../../../src/wire/changes/change-records.ts';
import {
  printChangePage,
  printSseChunk,
  printSseRetry,
  SSE_KEEP_ALIVE,
} from '../../../src/wire/changes/change-pages.ts';

const SUPPLIER = { uuid: '7d9f0b1e-0000-4000-8000-000000000001', name: 'Acme\n& "Sons"\u2028' };
const CHANGE: ChangeRecord = {
  kind: 'change',
  change: {
    supplier: SUPPLIER,
    sku: {
      uuid: '7d9f0b1e-0000-4000-8000-000000000002',
      skuId: 'A-1\r\ndata: x',
      identifiers: {
        upca: '012345678905',
        ean13: null,
        gtin14: null,
        isbn: null,
        asin: null,
        mpn: 'M-1',
      },
    },
    sequence: 42,
    changedAtMs: Date.UTC(2026, 10, 23, 18, 41, 7, 250),
    before: NOTHING_KNOWN,
    after: {
      quantityInStock: 5,
      quantityOnBackorder: 0,
      backorderDate: 20261224,
      restrictions: restrictionCode('tmpunavail') ?? null,
    },
    batchUuid: '7d9f0b1e-0000-4000-8000-000000000003',
    reason: 'recount',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  },
};
const RETIREMENT: ChangeRecord = {
  ...CHANGE,
  change: { ...CHANGE.change, after: RETIRED },
};
const ENTERED: ChangeRecord = { kind: 'supplier_entered', supplier: SUPPLIER, sequence: 41 };
const LEFT: ChangeRecord = { kind: 'supplier_left', supplier: SUPPLIER, sequence: 42 };
const CHUNK = { records: [ENTERED, CHANGE, RETIREMENT, LEFT], cursor: 'AbC-_1' };

describe('a change feed record', () => {
  test('of a change has supplier, SKU, sequence, time, inventory before and after, batch and reason', () => {
    expect(printChangeRecord(CHANGE)).toEqual({
      kind: 'change',
      supplier: SUPPLIER,
      sku: {
        uuid: '7d9f0b1e-0000-4000-8000-000000000002',
        sku_id: 'A-1\r\ndata: x',
        product_identifiers: {
          upca: '012345678905',
          ean13: null,
          gtin14: null,
          isbn: null,
          asin: null,
          mpn: 'M-1',
        },
      },
      sequence: 42,
      time: '2026-11-23T18:41:07.250000Z',
      before: {
        quantity_in_stock: null,
        quantity_on_backorder: null,
        restrictions: null,
        backorder_date: null,
      },
      after: {
        quantity_in_stock: 5,
        quantity_on_backorder: 0,
        restrictions: 'tmpunavail',
        backorder_date: '2026-12-24',
      },
      batch: { uuid: '7d9f0b1e-0000-4000-8000-000000000003' },
      reason: 'recount',
    });
  });

  test('of a supplier that became visible has the path of its SKU list', () => {
    expect(printChangeRecord(ENTERED)).toEqual({
      kind: 'supplier_entered',
      supplier: SUPPLIER,
      sequence: 41,
      snapshot: `/timp/products/skus/?supplier_uuids=${SUPPLIER.uuid}&limit=500&cursor=`,
    });
  });

  test('of a supplier that is no longer visible has the last delivered sequence', () => {
    expect(printChangeRecord(LEFT)).toEqual({
      kind: 'supplier_left',
      supplier: SUPPLIER,
      sequence: 42,
    });
  });

  test('of every kind matches its schema', () => {
    const schema = Compile(Type.Union([ChangeSchema, SupplierEnteredSchema, SupplierLeftSchema]));
    for (const record of CHUNK.records) {
      expect([...schema.Errors(printChangeRecord(record))]).toEqual([]);
    }
  });
});

function printPage(
  page: Parameters<typeof printChangePage>[0],
  hasMore: boolean,
): { text: string; slices: number } {
  const slices = [...printChangePage(page, hasMore)];
  return { text: slices.join(''), slices: slices.length };
}

test('a long page is printed in slices, and is the same as one of short pages', () => {
  const records = Array.from({ length: 1001 }, (_, i) => CHUNK.records[i % CHUNK.records.length]);
  const long = { ...CHUNK, records: records.filter((record) => record !== undefined) };
  const { text, slices } = printPage(long, false);
  expect(slices).toBeGreaterThan(3);
  expect(JSON.parse(text)).toMatchObject({ records: long.records.map(printChangeRecord) });
});

test('a page has the records, the cursor and whether there is more', () => {
  const { text: printed } = printPage(CHUNK, true);
  for (const record of CHUNK.records)
    expect(printed).toContain(JSON.stringify(printChangeRecord(record)));
  expect(JSON.parse(printed)).toEqual({
    records: CHUNK.records.map(printChangeRecord),
    cursor: 'AbC-_1',
    has_more: true,
  });
});

interface SseEvent {
  readonly event: string;
  readonly data: string;
  /** The id that a client would send back after this event. */
  readonly lastEventId: string;
}

/** Reads a stream as the HTML standard has clients read it. */
function readSse(stream: string): readonly SseEvent[] {
  const events: SseEvent[] = [];
  let lastEventId = '';
  for (const block of stream.split(/\r\n\r\n|\n\n|\r\r/)) {
    let event = 'message';
    const data: string[] = [];
    for (const line of block.split(/\r\n|\n|\r/)) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === 'id') lastEventId = value;
      if (field === 'event') event = value;
      if (field === 'data') data.push(value);
    }
    if (data.length > 0) events.push({ event, data: data.join('\n'), lastEventId });
  }
  return events;
}

test('server-sent events are named by kind, and the last one has the cursor as its id', () => {
  const stream =
    printSseRetry(2000) + SSE_KEEP_ALIVE + [...printSseChunk(CHUNK)].join('') + SSE_KEEP_ALIVE;
  const events = readSse(stream);
  expect(events.map(({ event }) => event)).toEqual([
    'supplier_entered',
    'change',
    'change',
    'supplier_left',
  ]);
  expect(events.map(({ data }): unknown => JSON.parse(data))).toEqual(
    CHUNK.records.map(printChangeRecord),
  );
  expect(events.map(({ lastEventId }) => lastEventId)).toEqual(['', '', '', 'AbC-_1']);
  expect([...printSseChunk({ records: [], cursor: 'A' })]).toEqual([]);
  const records = Array.from({ length: 500 }, () => CHUNK.records).flat();
  expect([...printSseChunk({ records, cursor: 'A' })].length).toBeGreaterThan(2);
});
