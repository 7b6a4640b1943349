import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { FileClient, FILES } from './file-client.ts';
import { problemOf } from '../answers.ts';
import { interchange } from '../../formats/x12.ts';
import { TestServer } from '../harness.ts';

let server: TestServer;
let client: FileClient;
let supplierId: number;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  suppliers += 1;
  const entries = ['A-1', 'A-2', 'A-3'].map((skuId) => entry(skuId));
  const { supplier, token } = await server.createSupplier(`Questions ${suppliers}`, entries);
  supplierId = supplier.id;
  client = new FileClient(server, token);
});

const PER_WAREHOUSE = 'source,sku,quantity\neast,A-1,60\nwest,A-1,2\neast,A-2,5\nwest,A-2,5\n';

const confirm = (uuid: string, query = '') =>
  client.ask('POST', `${FILES}${uuid}/confirm/${query}`);

describe('a file with several rows of one SKU', () => {
  test('is held, and says which rows and what to answer', async () => {
    const uuid = await client.upload(PER_WAREHOUSE);
    expect(await client.processed(uuid)).toMatchObject({
      state: 'held',
      problem: {
        code: 'duplicate_skus',
        detail: textMatching(
          /^1 SKU has several rows with different quantities: "A-1" has 60 in row 2 and 2 in row 3\. Say locations=sum .* or locations=last/,
        ),
      },
      questions: [{ code: 'duplicate_skus', rule: 'locations', answers: ['sum', 'last'] }],
      rows: 0,
    });
    expect(await client.stock()).toMatchObject({ 'A-1': null, 'A-2': null });
  });

  test('is not applied until its question is answered', async () => {
    const uuid = await client.upload(PER_WAREHOUSE);
    await client.processed(uuid);
    const detail = problemOf(await confirm(uuid), 400, 'parameter_invalid');
    expect(detail).toMatch(/confirm it with locations=sum or locations=last/);
    problemOf(await confirm(uuid, '?locations=all'), 400, 'parameter_invalid');
    expect((await confirm(uuid, '?locations=sum')).status).toBe(200);
    expect(await client.processed(uuid)).toMatchObject({
      state: 'done',
      rules: { locations: 'sum' },
      questions: [],
      status_counts: { '200': 4 },
    });
    expect(await client.stock()).toMatchObject({ 'A-1': 62, 'A-2': 10 });
    expect(await client.results(uuid)).toEqual([
      'source,sku,quantity,status_code,message',
      'east,A-1,60,200,"success; 2 rows of this SKU add up to 62."',
      'west,A-1,2,200,"success; 2 rows of this SKU add up to 62."',
      'east,A-2,5,200,"success; 2 rows of this SKU add up to 10."',
      'west,A-2,5,200,"success; 2 rows of this SKU add up to 10."',
    ]);
  });

  test('is applied at once if the upload says how', async () => {
    const summed = await client.upload(PER_WAREHOUSE, '?locations=sum');
    expect(await client.processed(summed)).toMatchObject({ state: 'done' });
    expect(await client.stock()).toMatchObject({ 'A-1': 62, 'A-2': 10 });
    const last = await client.upload(PER_WAREHOUSE, '?locations=last');
    expect(await client.processed(last)).toMatchObject({ state: 'done' });
    expect(await client.stock()).toMatchObject({ 'A-1': 2, 'A-2': 5 });
  });

  test('is no question if all its rows are equal', async () => {
    const uuid = await client.upload('sku,quantity\nA-1,5\nA-1,5\n');
    expect(await client.processed(uuid)).toMatchObject({ state: 'done' });
    expect(await client.stock()).toMatchObject({ 'A-1': 5 });
  });

  test('is asked about if equal quantities are at different places, unless they are zero', async () => {
    const equal = await client.upload('warehouse,sku,qty\neast,A-1,5\nwest,A-1,5\n');
    expect(await client.processed(equal)).toMatchObject({
      state: 'held',
      problem: { detail: textMatching(/different quantities or locations: "A-1" has 5 in row 2/) },
    });
    const file = 'warehouse,sku,qty\neast,A-1,0\nwest,A-1,0\neast,A-2,7\neast,A-2,7\n';
    expect(await client.processed(await client.upload(file))).toMatchObject({ state: 'done' });
  });

  test('is asked about whichever of their numbers name the SKU', async () => {
    for (const [second, state] of [
      ['VN*A-1', 'held'],
      ['SK*X*VN*A-2', 'done'],
    ] as const) {
      const lins = ['LIN*1*SK*X*VN*A-1', 'QTY*33*5', `LIN*2*${second}`, 'QTY*33*6'];
      expect(await client.processed(await client.upload(interchange(lins)))).toMatchObject({
        state,
      });
    }
  });

  test('is asked about in a dry run too, which writes nothing when it is answered', async () => {
    const uuid = await client.upload(PER_WAREHOUSE, '?dry_run=true');
    expect(await client.processed(uuid)).toMatchObject({ state: 'held', dry_run: true });
    await confirm(uuid, '?locations=sum');
    expect(await client.processed(uuid)).toMatchObject({ state: 'done', batches: [] });
    expect((await client.results(uuid))[1]).toBe(
      'east,A-1,60,200,"Would change quantity_in_stock from null to 62; 2 rows of this SKU add up to 62."',
    );
    expect(await client.stock()).toMatchObject({ 'A-1': null });
  });

  test('is not added up if one of its rows has no readable quantity, or the total is too large', async () => {
    const uuid = await client.upload(
      'sku,quantity\nA-1,5\nA-1,x\nA-2,2147483647\nA-2,1\nA-3,1\n',
      '?locations=sum',
    );
    expect(await client.processed(uuid)).toMatchObject({
      status_counts: { '400': 4, '200': 1 },
    });
    const results = await client.results(uuid);
    expect(results[1]).toMatch(/A-1,5,400,.*row 3 names the same SKU and has no quantity/i);
    expect(results[3]).toMatch(/A-2,2147483647,400,.*add up to 2147483648, more than 2147483647/);
    expect(await client.stock()).toMatchObject({ 'A-1': null, 'A-2': null, 'A-3': 1 });
  });

  test('takes the total from the row of all warehouses, and asks whether a row without one is it', async () => {
    const uuid = await client.upload(
      'sku,warehouse,qty\nA-1,NJ,5\nA-1,CA,7\nA-1,Total,12\nA-2,NJ,3\nA-2,,3\nA-3,NJ,3\nA-3,,4\n',
      '?locations=sum',
    );
    expect(await client.processed(uuid)).toMatchObject({ status_counts: { '200': 5, '400': 2 } });
    expect(await client.stock()).toMatchObject({ 'A-1': 12, 'A-2': null, 'A-3': 7 });
    const results = await client.results(uuid);
    expect(results[1]).toBe(
      'A-1,NJ,5,200,"success; Row 4 has the total of the 3 rows of this SKU, 12."',
    );
    expect(results[4]).toMatch(
      /^A-2,NJ,3,400,"Row 5: row 6 names no location .* may be their total\. Write ""Total"" there if it is/,
    );
    const twice = 'sku,warehouse,qty\nA-1,NJ,5\nA-1,All,5\nA-1,Gesamt,6\n';
    const unclear = await client.upload(twice, '?locations=sum');
    expect(await client.processed(unclear)).toMatchObject({ status_counts: { '400': 3 } });
  });

  test('refuses a total that is not the sum, such as one of a part of the warehouses', async () => {
    const uuid = await client.upload(
      'sku,warehouse,qty,on backorder\nA-1,NJ,5,1\nA-1,Subtotal,5,1\nA-1,CA,7,\nA-2,NJ,3,\nA-2,CA,4,2\nA-2,Total,,2\n',
      '?locations=sum',
    );
    expect(await client.processed(uuid)).toMatchObject({ status_counts: { '400': 6 } });
    const results = await client.results(uuid);
    expect(results[1]).toMatch(
      /row 3 is called the total of this SKU, but 5 in stock and 1 on backorder are not the sum of its other rows, 12 in stock and 1 on backorder\. Correct or remove it/,
    );
  });

  test('leaves what is in transit, damaged or on hold out of a total, and says so', async () => {
    const uuid = await client.upload(
      'sku,warehouse,stock status,qty\nA-1,NJ,Good,5\nA-1,In transit,,9\nA-1,CA,Quarantine,2\nA-2,NJ - Damaged,,4\nA-3,,,3\nA-3,NJ,,4\nA-3,,,7\n',
      '?locations=sum',
    );
    expect(await client.processed(uuid)).toMatchObject({
      status_counts: { '200': 3, '400': 4 },
      notes: [
        textMatching(/^Column "stock status" .*: "Good" \(row 2\)/),
        textMatching(/^Column "warehouse" has stock that cannot be sold, .*"In transit" \(row 3\)/),
        textMatching(/^Column "stock status" has stock that cannot be sold, .*"Quarantine"/),
      ],
    });
    expect(await client.stock()).toMatchObject({ 'A-1': 5, 'A-2': null, 'A-3': null });
    const results = await client.results(uuid);
    expect(results[2]).toMatch(
      /200,.*""In transit"" is stock that cannot be sold, and is not added/,
    );
    expect(results[4]).toMatch(/400,.*no other row has stock of this SKU/);
    expect(results[5]).toMatch(/400,.*row 8 names no location/);
  });

  test('of different days is refused, since they are not parts of one stock', async () => {
    const uuid = await client.upload(
      'sku,date,qty\nA-1,2026-11-01,5\nA-1,2026-11-02,2\nA-2,2026-11-02,5\nA-2,2026-11-02,2\n',
      '?locations=sum',
    );
    expect(await client.processed(uuid)).toMatchObject({ status_counts: { '200': 2, '400': 2 } });
    expect(await client.stock()).toMatchObject({ 'A-1': null, 'A-2': 7 });
    expect((await client.results(uuid))[1]).toMatch(/2 rows of this SKU are of different days/);
  });

  test('of different statuses is refused, since only one of them could be stored', async () => {
    const uuid = await client.upload(
      'sku,warehouse,status,qty\nA-1,NJ,active,5\nA-1,CA,discontinued,2\nA-2,NJ,active,5\nA-2,CA,active,2\n',
      '?locations=sum',
    );
    expect(await client.processed(uuid)).toMatchObject({ status_counts: { '200': 2, '400': 2 } });
    expect((await client.results(uuid))[1]).toMatch(/the 2 rows of this SKU have different status/);
  });

  test('is confirmed with the answer that was saved meanwhile', async () => {
    const uuid = await client.upload(PER_WAREHOUSE);
    await client.processed(uuid);
    await client.ask('PATCH', `${FILES}settings/`, { body: { locations: 'sum' } });
    expect((await confirm(uuid)).status).toBe(200);
    await client.processed(uuid);
    expect(await client.stock()).toMatchObject({ 'A-1': 62 });
  });
});

test('a SKU that is named by its GTIN is shown with leading zeros', async () => {
  const uuid = await client.upload('upc,quantity\n012345678905,5\n12345678905,6\n');
  expect(await client.processed(uuid)).toMatchObject({
    state: 'held',
    problem: { detail: textMatching(/"012345678905" has 5 in row 2 and 6 in row 3/) },
  });
});

test('different quantities on backorder are asked about too', async () => {
  const uuid = await client.upload(
    'sku,quantity_in_stock,quantity_on_backorder\nA-1,5,1\nA-1,5,2\n',
  );
  expect(await client.processed(uuid)).toMatchObject({
    state: 'held',
    problem: { detail: textMatching(/"A-1" has 1 on backorder in row 2 and 2 in row 3/) },
  });
});

describe('a file that names some SKUs by sku_id and others by GTIN only', () => {
  const ROWS = 'sku,ean,quantity\nA-1,,5\n,4006381333931,7\n';

  beforeEach(async () => {
    const product = { ean13: '4006381333931' };
    const entries = [entry('A-1', { product }), entry('A-2')];
    const { token } = await server.createSupplier(`Mixed ${suppliers}`, entries);
    client = new FileClient(server, token);
  });

  test('is applied if no SKU has two quantities, under whatever name', async () => {
    const uuid = await client.upload(
      'sku,ean,quantity\nA-2,,5\n,4006381333931,7\n,5901234123457,1\n',
    );
    expect(await client.processed(uuid)).toMatchObject({
      state: 'done',
      status_counts: { '200': 2, '404': 1 },
      notes: [],
    });
    expect(await client.stock()).toMatchObject({ 'A-1': 7, 'A-2': 5 });
  });

  test('asks which row counts if one SKU has two quantities, by its sku_id and by its GTIN', async () => {
    const uuid = await client.upload(ROWS);
    const file = await client.processed(uuid);
    expect(file).toMatchObject({
      state: 'held',
      problem: {
        code: 'duplicate_skus',
        detail: textMatching(/"4006381333931" has 5 in row 2 and 7 in row 3.*locations=last/),
      },
      questions: [{ rule: 'locations', answers: ['last'] }],
    });
    await client.ask('POST', `${FILES}${uuid}/confirm/?locations=last`);
    expect(await client.processed(uuid)).toMatchObject({ state: 'done' });
    expect(await client.stock()).toMatchObject({ 'A-1': 7 });
  });

  test('is refused if its rows are to be added up', async () => {
    const uuid = await client.upload(ROWS, '?locations=sum');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'refused',
      problem: { detail: textMatching(/Give the sku_id in every row, or in none/) },
    });
    expect(await client.stock()).toMatchObject({ 'A-1': null });
  });
});

describe('a file with more SKUs than are remembered', () => {
  const ROWS = 'sku,quantity\nA-1,1\nA-2,2\nA-3,3\nA-3,4\n';
  let small: FileClient;

  beforeAll(async () => {
    const limited = await TestServer.start({ inspectedSkusMax: 2 });
    const entries = ['A-1', 'A-2', 'A-3'].map((skuId) => entry(skuId));
    const { token } = await limited.createSupplier('Limited', entries);
    small = new FileClient(limited, token);
    return () => limited.stop();
  });

  test('is refused if rows are to be added up: no total may lack a row', async () => {
    const uuid = await small.upload(ROWS, '?locations=sum');
    expect(await small.processed(uuid)).toMatchObject({
      state: 'refused',
      problem: {
        code: 'too_many_lines',
        detail: textMatching(/more than 2 SKUs, .* ONHAND_INSPECTED_SKUS_MAX/),
      },
    });
    expect(await small.stock()).toEqual({ 'A-1': null, 'A-2': null, 'A-3': null });
  });

  test('is asked about, and the only answer is that the last row counts', async () => {
    const uuid = await small.upload(ROWS);
    expect(await small.processed(uuid)).toMatchObject({
      state: 'held',
      questions: [{ code: 'duplicate_skus', answers: ['last'] }],
    });
    const path = `${FILES}${uuid}/confirm/?locations=last`;
    expect((await small.ask('POST', path)).status).toBe(200);
    expect(await small.processed(uuid)).toMatchObject({ state: 'done' });
    expect(await small.stock()).toEqual({ 'A-1': 1, 'A-2': 2, 'A-3': 4 });
  });

  test('with exactly as many SKUs is added up', async () => {
    const uuid = await small.upload('sku,quantity\nA-1,1\nA-2,2\nA-2,3\n', '?locations=sum');
    expect(await small.processed(uuid)).toMatchObject({ state: 'done' });
    expect(await small.stock()).toMatchObject({ 'A-1': 1, 'A-2': 5 });
  });
});

test('rules that are saved at the same time are all saved', async () => {
  const changes = [{ locations: 'sum' }, { decimal: 'comma' }, { negative: 'zero' }];
  const answers = await Promise.all(
    changes.map((body) => client.ask('PATCH', `${FILES}settings/`, { body })),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  const { json } = await client.ask('GET', `${FILES}settings/`);
  expect(json).toMatchObject({ locations: 'sum', decimal: 'comma', negative: 'zero' });
});

test('several columns that are mapped to one quantity are added up', async () => {
  const mapping = encodeURIComponent('Qty NJ=quantity_in_stock,Qty CA=quantity_in_stock');
  const uuid = await client.upload(
    'SKU,Qty NJ,Qty CA\nA-1,5,6\nA-2,,7\nA-3,1,x\n',
    `?mapping=${mapping}`,
  );
  expect(await client.processed(uuid)).toMatchObject({ status_counts: { '200': 2, '400': 1 } });
  expect(await client.stock()).toEqual({ 'A-1': 11, 'A-2': 7, 'A-3': null });
});

describe('a number that has two values', () => {
  test('is asked about, with both, and read as answered', async () => {
    const uuid = await client.upload('sku,qty\nA-1,12.000\nA-2,7\n');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'held',
      problem: {
        code: 'ambiguous_decimal',
        detail: textMatching(/row 2, column "qty": "12\.000" may be 12 or 12000.*decimal=point/),
      },
    });
    await confirm(uuid, '?decimal=comma');
    expect(await client.processed(uuid)).toMatchObject({ state: 'done' });
    expect(await client.stock()).toMatchObject({ 'A-1': 12_000, 'A-2': 7 });
  });

  test.for([
    ['sku;qty\nA-1;12.000\nA-2;5,0\n', { 'A-1': 12_000, 'A-2': 5 }, 'comma'],
    ['sku;qty\nA-1;1.234\nA-2;1.234,00\n', { 'A-1': 1234, 'A-2': 1234 }, 'comma'],
    ['sku,qty,price\nA-1,"1,234",9.99\nA-2,5,1.50\n', { 'A-1': 1234, 'A-2': 5 }, 'point'],
    ['sku,qty\nA-1,12.000\nA-2,0.000\n', { 'A-1': 12, 'A-2': 0 }, 'point'],
    ['sku;qty\nA-1;1.234\nA-2;7\n', { 'A-1': 1234, 'A-2': 7 }, 'comma'],
  ] as const)('%j is read by what the rest of the file shows', async ([file, stock, decimal]) => {
    const uuid = await client.upload(file);
    expect(await client.processed(uuid)).toMatchObject({ state: 'done', decimal });
    expect(await client.stock()).toMatchObject(stock);
    expect((await client.results(uuid)).slice(1)).toEqual(
      Array.from({ length: 2 }, () => textMatching(/200,success$/)),
    );
  });

  test('is asked about together with everything else that is unclear', async () => {
    const uuid = await client.upload('sku,qty\nA-1,12.000\nA-2,7\nA-2,8\n');
    expect(await client.processed(uuid)).toMatchObject({
      questions: [{ code: 'ambiguous_decimal' }, { code: 'duplicate_skus' }],
    });
    problemOf(await confirm(uuid, '?decimal=comma'), 400, 'parameter_invalid');
    await confirm(uuid, '?decimal=comma&locations=last');
    await client.processed(uuid);
    expect(await client.stock()).toMatchObject({ 'A-1': 12_000, 'A-2': 8 });
  });
});

test('an answered file is still held by the safety limit', async () => {
  await client.processed(await client.upload('sku,qty\nA-1,1\nA-2,2\nA-3,3\n'));
  await server.store.batches.setSafetyLimit(supplierId, { percentMax: 50, skusMin: 2 });
  const uuid = await client.upload('sku,qty\nA-1,0\nA-2,0\nA-2,1\nA-2,0\n');
  expect(await client.processed(uuid)).toMatchObject({ problem: { code: 'duplicate_skus' } });
  await confirm(uuid, '?locations=last');
  expect(await client.processed(uuid)).toMatchObject({ problem: { code: 'breaker_tripped' } });
  problemOf(await confirm(uuid, '?locations=last'), 400, 'parameter_invalid');
  await confirm(uuid);
  expect(await client.processed(uuid)).toMatchObject({ state: 'done' });
  expect(await client.stock()).toMatchObject({ 'A-1': 0, 'A-2': 0 });
});
