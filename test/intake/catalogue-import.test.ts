import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  firstComplaints,
  importCatalogue,
  printImportReport,
  CHUNK_ENTRIES_MAX,
  type ImportProgress,
  type ImportSummary,
} from '../../src/intake/catalogue-import.ts';
import { NO_RULES, parseColumnMappings } from '../../src/domain/reading-rules.ts';
import { readSettings } from '../../src/settings/read.ts';
import { openStaging } from '../../src/databases.ts';
import type { Store } from '../../src/store/store.ts';
import { bytesOf } from '../formats/reading.ts';
import { textMatching } from '../matching.ts';
import {
  createSupplier,
  openTestStore,
  problemsOf,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';

describe('an import', () => {
  let database: TestDatabase;
  let store: Store;
  let supplierId: number;

  beforeEach(async () => {
    database = await sqliteDatabase();
    store = await openTestStore(database);
    supplierId = await createSupplier(store, 'Acme');
  });

  afterEach(async () => {
    await store.close();
    expect(await problemsOf(database)).toEqual([]);
    await database.remove();
  });

  interface Run extends ImportSummary {
    readonly complaints: readonly string[];
    readonly report: string;
  }

  /** Imports a file; `columnMap`, `signal` and the rest may be given. */
  const run = async (
    file: string,
    {
      columnMap = '',
      ...given
    }: Partial<Parameters<typeof importCatalogue>[2]> & { readonly columnMap?: string } = {},
  ): Promise<Run> => {
    const staging = await openStaging();
    try {
      const summary = await importCatalogue(store, staging, {
        file: bytesOf(file),
        rules: { ...NO_RULES, columns: parseColumnMappings(columnMap) },
        limits: readSettings({}, {}).formatLimits,
        supplierId,
        userId: null,
        ...given,
      });
      const complaints = firstComplaints(staging, 10_000).map(
        ({ row, kind, column, reason }) => `${row} ${kind} ${column}: ${reason}`,
      );
      return { ...summary, complaints, report: [...printImportReport(staging)].join('') };
    } finally {
      staging.close();
    }
  };

  const listed = async () => {
    const page = await store.skus.list({
      supplierIds: [supplierId],
      filter: {},
      from: { start: 0 },
      limit: 500,
    });
    return page.skus;
  };

  const stockOf = async () =>
    Object.fromEntries((await listed()).map((sku) => [sku.skuId, sku.inventory.quantityInStock]));

  test('creates SKUs in the order of the file and says how many', async () => {
    const summary = await run('sku_id,quantity_in_stock,colour\nB,1,red\nA,2,blue\n');
    expect(summary).toEqual({
      rowsRead: 2,
      skusCreated: 2,
      skusUpdated: 0,
      skusUnchanged: 0,
      rowsRejected: 0,
      rowsDoubtful: 0,
      unknownColumns: ['colour'],
      skusLeft: 0,
      isStopped: false,
      complaints: [],
      report: 'row,column,value,reason,kind\n',
    });
    expect((await listed()).map(({ skuId }) => skuId)).toEqual(['B', 'A']);
  });

  test('run again changes nothing and gives the same complaints', async () => {
    const file =
      'sku_id,title,barcode,quantity_in_stock\n' +
      'A,Kettle,4006381333931,1\nB,Apron,4006381333931,2\nA,Kettle again,96385074,3\nC,Jar,123,x\nD,Pan,1511,NULL\n';
    const first = await run(file, { columnMap: 'barcode=gtin' });
    const before = await listed();
    const second = await run(file, { columnMap: 'barcode=gtin' });
    expect(first).toMatchObject({ skusCreated: 3, skusUpdated: 0, skusUnchanged: 0 });
    expect(second).toEqual({ ...first, skusCreated: 0, skusUnchanged: 3 });
    expect(await listed()).toEqual(before);
  });

  test('updates what the file contains, keeps the rest, and counts net effects', async () => {
    await run('sku_id,title,quantity_in_stock,restrictions\nA,a,1,discontd\nB,b,2,\nC,c,3,\n');
    const summary = await run(
      'sku_id,title,quantity_in_stock,restrictions\nA,,1,NULL\nB,,2,\nC,c,9,\nD,d,,\n',
    );
    expect(summary).toMatchObject({ skusCreated: 1, skusUpdated: 2, skusUnchanged: 1 });
    expect(
      (await listed()).map(({ skuId, product, inventory }) => [
        skuId,
        product.title,
        inventory.quantityInStock,
        inventory.restrictions,
      ]),
    ).toEqual([
      ['A', 'a', 1, null],
      ['B', 'b', 2, null],
      ['C', 'c', 9, null],
      ['D', 'd', null, null],
    ]);
  });

  test('keeps a SKU’s identifier if the one in the file is invalid', async () => {
    await run('sku_id,isbn\nA,0306406152\n');
    const summary = await run('sku_id,isbn\nA,9.78E+12\n');
    expect(summary).toMatchObject({ skusUnchanged: 1, rowsDoubtful: 1, rowsRejected: 0 });
    expect((await listed())[0]?.product.isbn).toBe('0306406152');
  });

  describe('of a repeated sku_id', () => {
    test('lets the last row count, reports each earlier one, and changes the SKU once', async () => {
      const summary = await run('code,quantity_in_stock,title\nA,1,first\nB,5,\nA,2,\nA,3,\n', {
        columnMap: 'code=sku_id',
      });
      expect(summary).toMatchObject({
        rowsRead: 4,
        skusCreated: 2,
        rowsRejected: 2,
        rowsDoubtful: 0,
        complaints: [
          '2 rejected code: this sku_id comes again in row 4; the last row counts',
          '4 rejected code: this sku_id comes again in row 5; the last row counts',
        ],
      });
      expect(await stockOf()).toEqual({ A: 3, B: 5 });
      // The earlier row's title went with it.
      expect((await listed()).map(({ product }) => product.title)).toEqual([null, null]);
    });

    test('tells one case, and one spelling, from another', async () => {
      const summary = await run('sku_id\nA\na\n\u00e9\ne\u0301\n');
      expect(summary).toMatchObject({ skusCreated: 4, rowsRejected: 0 });
    });

    test('lets the last good row count', async () => {
      const summary = await run('sku_id,quantity_in_stock\nA,1\nA,x\n');
      expect(summary).toMatchObject({ skusCreated: 1, rowsRejected: 1 });
      expect(await stockOf()).toEqual({ A: 1 });
    });

    test('finds repetitions across thousands of rows', async () => {
      const rows = Array.from({ length: 3_500 }, (_, i) => `${i % 1_200},${i}`);
      const summary = await run(`sku_id,quantity_in_stock\n${rows.join('\n')}\n`);
      expect(summary).toMatchObject({ rowsRead: 3_500, skusCreated: 1_200, rowsRejected: 2_300 });
      expect(summary.complaints).toHaveLength(2_300);
      expect(await stockOf()).toMatchObject({ '0': 2_400, '199': 2_599, '1100': 2_300 });
    });
  });

  describe('of a GTIN on more than one SKU', () => {
    test('keeps it on each SKU and reports each row, in any form', async () => {
      const summary = await run(
        'sku_id,upca,gtin14\nA,012345678905,\nB,,00012345678905\nC,036000291452,\n',
      );
      expect(summary).toMatchObject({
        skusCreated: 3,
        rowsDoubtful: 2,
        rowsRejected: 0,
        complaints: [
          '2 doubtful upca: this GTIN is also on the SKU "B"; both keep it',
          '3 doubtful gtin14: this GTIN is also on the SKU "A"; both keep it',
        ],
      });
      expect((await listed()).map(({ product }) => product.upca ?? product.gtin14)).toEqual([
        '012345678905',
        '00012345678905',
        '036000291452',
      ]);
    });

    test('reports it if the other SKU existed before', async () => {
      await run('sku_id,ean13\nOLD,4006381333931\n');
      expect(await run('sku_id,ean13\nNEW,4006381333931\n')).toMatchObject({
        rowsDoubtful: 1,
        complaints: ['2 doubtful ean13: this GTIN is also on the SKU "OLD"; both keep it'],
      });
    });

    test('does not count a row that another of its sku_id supersedes', async () => {
      const summary = await run('sku_id,ean13\nA,4006381333931\nB,4006381333931\nA,96385074\n');
      expect(summary).toMatchObject({ rowsDoubtful: 0, rowsRejected: 1 });
    });

    test('names a few of many', async () => {
      const rows = Array.from({ length: 9 }, (_, i) => `S${i},4006381333931`);
      const { complaints } = await run(`sku_id,ean13\n${rows.join('\n')}\n`);
      expect(complaints).toHaveLength(9);
      expect(complaints[0]).toBe(
        '2 doubtful ean13: this GTIN is also on the SKUs "S1", "S2", "S3", "S4", "S5" and 3 more; both keep it',
      );
      expect(complaints[8]).toContain('"S0", "S1", "S2", "S3", "S4" and 3 more');
    });
  });

  test('counts a row once, and one with a rejected cell as rejected', async () => {
    const summary = await run(
      'sku_id,upca,isbn,quantity_in_stock\nA,1511,1511,1\nB,1511,1511,x\nC,,,2\n',
    );
    expect(summary).toMatchObject({
      rowsRead: 3,
      rowsRejected: 1,
      rowsDoubtful: 1,
      skusCreated: 2,
    });
    expect(summary.complaints).toHaveLength(5);
  });

  test('finds books by every form, though a spreadsheet took their zeros and rounded their EANs', async () => {
    const summary = await run(
      'book_id,isbn,isbn13\n1,306406152,9.78030640616e+12\n2,7100493,9.78000710049e+12\n3,080442957X,\n4,,9.78043902348e+12\n',
      { columnMap: 'book_id=sku_id,isbn13=ean13' },
    );
    expect(summary).toMatchObject({ skusCreated: 4, rowsDoubtful: 3 });
    expect(summary.complaints).toEqual(
      [2, 3, 5].map((row) => textMatching(new RegExp(`^${row} doubtful isbn13: was rounded by`))),
    );
    for (const [gtin, skuId] of [
      [9_780_306_406_157, '1'],
      [9_780_007_100_491, '2'],
      [9_780_804_429_573, '3'],
    ] as const) {
      const { skus } = await store.skus.list({
        supplierIds: [supplierId],
        filter: { gtins: [gtin] },
        from: { start: 0 },
        limit: 5,
      });
      expect(skus.map((sku) => sku.skuId)).toEqual([skuId]);
    }
  });

  test('of a truncated file applies nothing', async () => {
    await run('sku_id,quantity_in_stock\nA,1\n');
    const rows = Array.from({ length: 3 * CHUNK_ENTRIES_MAX }, (_, i) => `S${i},${i}\n`).join('');
    await expect(run(`sku_id,quantity_in_stock\nA,2\n${rows}"B,3\nC,4\n`)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(/never closed \(row 6003\)/),
    });
    expect(await stockOf()).toEqual({ A: 1 });
  });

  test.for([
    ['a mapped header that is missing', 'sku_id\nA\n', 'x=isbn', 'body_malformed'],
    ['no sku_id', 'title\nA\n', '', 'body_malformed'],
  ] as const)('refuses %s', async ([, file, columnMap, code]) => {
    await expect(run(file, { columnMap })).rejects.toMatchObject({ code });
    expect(await stockOf()).toEqual({});
  });

  test('in several chunks reports its progress to the end', async () => {
    const seen: ImportProgress[] = [];
    const total = 2 * CHUNK_ENTRIES_MAX + 1;
    const file = `sku_id\n${Array.from({ length: total }, (_, i) => `S${i}\n`).join('')}`;
    const summary = await run(file, { onProgress: (progress) => seen.push(progress) });
    expect(summary).toMatchObject({ skusCreated: total, skusLeft: 0 });
    expect(seen[0]).toMatchObject({ phase: 'reading', bytes: file.length });
    expect(seen.slice(1)).toEqual(
      [CHUNK_ENTRIES_MAX, 2 * CHUNK_ENTRIES_MAX, total].map((applied) => {
        return { phase: 'applying', applied, total };
      }),
    );
  });

  test('that is stopped ends after its chunk, reports what is left, and can be repeated', async () => {
    const total = 2 * CHUNK_ENTRIES_MAX;
    const file = `sku_id\n${Array.from({ length: total }, (_, i) => `S${i}\n`).join('')}`;
    const controller = new AbortController();
    const stopped = await run(file, {
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'applying') controller.abort();
      },
    });
    expect(stopped).toMatchObject({
      isStopped: true,
      skusCreated: CHUNK_ENTRIES_MAX,
      skusLeft: total - CHUNK_ENTRIES_MAX,
    });
    expect(await run(file)).toMatchObject({
      isStopped: false,
      skusCreated: total - CHUNK_ENTRIES_MAX,
      skusUnchanged: CHUNK_ENTRIES_MAX,
    });
  });

  test('that is stopped while reading applies nothing', async () => {
    const controller = new AbortController();
    controller.abort();
    const summary = await run('sku_id\nA\n', { signal: controller.signal });
    expect(summary).toMatchObject({ isStopped: true, skusCreated: 0, skusLeft: 1 });
    expect(await stockOf()).toEqual({});
  });

  test('does not affect other suppliers', async () => {
    const other = await createSupplier(store, 'Other');
    await run('sku_id,ean13\nA,4006381333931\n', { supplierId: other });
    const summary = await run('sku_id,ean13\nA,4006381333931\n');
    expect(summary).toMatchObject({ skusCreated: 1, rowsDoubtful: 0 });
  });
});
