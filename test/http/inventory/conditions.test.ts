import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { problemOf } from '../answers.ts';
import { TestServer } from '../harness.ts';
import { fromNow, messageOf, statusesOf, SUCCESS, SupplierClient } from './written.ts';

let server: TestServer;
let acme: SupplierClient;

beforeAll(async () => {
  server = await TestServer.start();
  const entries = Array.from({ length: 30 }, (_, i) =>
    entry(`A-${i}`, i === 0 ? {} : { inventory: { quantityInStock: 10 } }),
  );
  acme = new SupplierClient(server, (await server.createSupplier('Acme', entries)).token);
});
afterAll(() => server.stop());

const reported = (skuId: string, quantity: number, asOf: string) => ({
  sku_id: skuId,
  quantity_in_stock: quantity,
  as_of: asOf,
});

const expecting = (skuId: string, quantity: number, expected: unknown) => ({
  sku_id: skuId,
  quantity_in_stock: quantity,
  expected_quantity_in_stock: expected,
});

const changing = (skuId: string, change: unknown) => ({
  sku_id: skuId,
  quantity_in_stock_change: change,
});

const grouped = (skuId: string, group?: string) => ({
  sku_id: skuId,
  quantity_in_stock: 5,
  ...(group !== undefined && { group }),
});

describe("as_of: the report's timestamp", () => {
  test("a report older than the SKU's as_of returns 412 with that time", async () => {
    const later = '2026-01-01T12:00:00.123456Z';
    const ahead = fromNow(10);
    expect(await acme.statuses([reported('A-1', 5, ahead)])).toEqual([200]);
    const answer = await acme.bulk([reported('A-1', 6, later)]);
    expect(statusesOf(answer)).toEqual([412]);
    expect(messageOf(answer, 0)).toContain(ahead.replace('Z', '000Z'));
    expect(await acme.stockOf('A-1')).toBe(5);
  });

  test('applies a report with the same time, but not one a microsecond older', async () => {
    const ahead = fromNow(20).replace('Z', '');
    expect(
      await acme.statuses([
        reported('A-2', 5, `${ahead}500Z`),
        reported('A-2', 6, `${ahead}500Z`),
        reported('A-2', 7, `${ahead}499Z`),
        reported('A-2', 8, `${ahead}500999Z`),
      ]),
    ).toEqual([200, 200, 412, 200]);
    expect(await acme.stockOf('A-2')).toBe(8);
  });

  test('compares instants whatever their UTC offset', async () => {
    const ahead = Date.now() + 30_000;
    const format = (offsetHours: number, sign: string) =>
      `${new Date(ahead + offsetHours * 3_600_000).toISOString().slice(0, -1)}${sign}`;
    expect(
      await acme.statuses([
        reported('A-3', 5, format(0, 'Z')),
        reported('A-3', 6, format(2, '+02:00')),
        reported('A-3', 7, format(-5.5, '-05:30')),
      ]),
    ).toEqual([200, 200, 200]);
  });

  test('a line without as_of is as of its arrival if it changes something', async () => {
    await acme.bulk([{ sku_id: 'A-4', quantity_in_stock: 5 }]);
    expect(await acme.statuses([reported('A-4', 6, fromNow(-60))])).toEqual([412]);
    expect(await acme.statuses([reported('A-4', 6, fromNow(60))])).toEqual([200]);
  });

  test('a new SKU is as of its creation', async () => {
    expect(await acme.statuses([reported('A-5', 6, '2026-01-01T00:00:00Z')])).toEqual([412]);
  });

  test('a report that changes nothing only advances as_of', async () => {
    const [sooner, later] = [fromNow(60), fromNow(90)];
    expect(await acme.statuses([reported('A-6', 10, later)])).toEqual([200]);
    expect(await acme.statuses([reported('A-6', 3, sooner)])).toEqual([412]);
    expect(await acme.stockOf('A-6')).toBe(10);
  });

  test('the As-Of header applies to lines without as_of', async () => {
    const [sooner, later] = [fromNow(60), fromNow(90)];
    const own = reported('A-8', 5, later);
    const sending = { headers: { 'as-of': sooner } };
    expect(await acme.statuses([{ sku_id: 'A-7', quantity_in_stock: 5 }, own], sending)).toEqual([
      200, 200,
    ]);
    expect(await acme.statuses([reported('A-7', 6, sooner), reported('A-8', 6, sooner)])).toEqual([
      200, 412,
    ]);
    expect((await acme.single({ sku_id: 'A-8', quantity_in_stock: 1 }, sending)).status).toBe(412);
  });

  test('rejects a time more than five minutes in the future', async () => {
    const answer = await acme.bulk([
      reported('A-9', 5, fromNow(400)),
      reported('A-9', 5, fromNow(200)),
    ]);
    expect(statusesOf(answer)).toEqual([400, 200]);
    expect(messageOf(answer, 0)).toMatch(
      /^as_of "[^"]+" is more than 300 seconds in the future\.$/,
    );
    const detail = problemOf(
      await acme.bulk([], { headers: { 'as-of': fromNow(400) } }),
      400,
      'parameter_invalid',
    );
    expect(detail).toContain('The header As-Of');
  });

  test('rejects an empty As-Of header', async () => {
    const answer = await acme.bulk([{ sku_id: 'A-9', quantity_in_stock: 77 }], {
      headers: { 'as-of': '' },
    });
    expect(problemOf(answer, 400, 'parameter_invalid')).toContain('The header As-Of');
    expect(await acme.stockOf('A-9')).not.toBe(77);
  });

  test('the tolerance for future times is a setting', async () => {
    const strict = await TestServer.start({ asOfToleranceSeconds: 0 });
    const { token } = await strict.createSupplier('Acme', [entry('A')]);
    const client = new SupplierClient(strict, token);
    expect(await client.statuses([reported('A', 5, fromNow(30))])).toEqual([400]);
    await strict.stop();
  });

  test.for(['yesterday', '2026-01-01', '2026-01-01T00:00:00', '2026-02-30T00:00:00Z', ''])(
    'rejects %j',
    async (asOf) => {
      expect(messageOf(await acme.bulk([reported('A-9', 5, asOf)]), 0)).toMatch(
        /^as_of must be a time with an offset or Z, such as /,
      );
    },
  );
});

describe('expected_quantity_in_stock: optimistic locking', () => {
  test('applies the line if the stock matches, otherwise returns 412 with the current value', async () => {
    expect(await acme.statuses([expecting('A-10', 11, 10), expecting('A-10', 12, '11')])).toEqual([
      200, 200,
    ]);
    const answer = await acme.bulk([expecting('A-10', 13, 11)]);
    expect(statusesOf(answer)).toEqual([412]);
    expect(messageOf(answer, 0)).toBe('quantity_in_stock is 12, and not what the line expects');
    expect(await acme.stockOf('A-10')).toBe(12);
  });

  test('null expects unknown stock', async () => {
    expect(
      await acme.statuses([
        expecting('A-10', 13, null),
        expecting('A-0', 1, 0),
        expecting('A-0', 1, null),
      ]),
    ).toEqual([412, 412, 200]);
  });

  test('reports a current value that is unknown', async () => {
    await acme.bulk([{ sku_id: 'A-11', quantity_in_stock: null }]);
    expect(messageOf(await acme.bulk([expecting('A-11', 1, 0)]), 0)).toContain('null (unknown)');
  });

  test('is compared after the effects of earlier lines', async () => {
    expect(
      await acme.statuses([
        expecting('A-12', 1, 10),
        expecting('A-12', 2, 1),
        expecting('A-12', 3, 1),
      ]),
    ).toEqual([200, 200, 412]);
  });
});

describe('quantity_in_stock_change: a relative change', () => {
  test.for([
    [5, 15],
    [-10, 0],
    ['-4', 6],
    ['+4', 14],
    [' 3.0 ', 13],
    [0, 10],
    [2_147_483_637, 2_147_483_647],
  ] as const)('%j changes ten to %j', async ([change, left]) => {
    await acme.bulk([{ sku_id: 'A-13', quantity_in_stock: 10 }]);
    expect((await acme.bulk([changing('A-13', change)])).json).toEqual([SUCCESS]);
    expect(await acme.stockOf('A-13')).toBe(left);
  });

  test('changes of several lines add up', async () => {
    await acme.statuses([changing('A-14', 2), changing('A-14', 2), changing('A-14', -1)]);
    expect(await acme.stockOf('A-14')).toBe(13);
  });

  test.for([
    [-11, 'quantity_in_stock is 10: a change of -11 would take it below 0'],
    [
      2_147_483_638,
      'quantity_in_stock is 10: a change of 2147483638 would take it above 2147483647',
    ],
  ] as const)('%j returns 422 with the reason', async ([change, message]) => {
    const answer = await acme.bulk([changing('A-15', change)]);
    expect(answer.json).toEqual([{ status_code: 422, message }]);
    expect(await acme.stockOf('A-15')).toBe(10);
    expect((await acme.single(changing('A-15', change))).status).toBe(422);
  });

  test('returns 422 for unknown stock', async () => {
    await acme.bulk([{ sku_id: 'A-16', quantity_in_stock: null }]);
    const answer = await acme.bulk([changing('A-16', 1)]);
    expect(answer.json).toEqual([
      {
        status_code: 422,
        message: 'quantity_in_stock is null (unknown): there is nothing to change until it is set',
      },
    ]);
  });

  test.for([1.5, '1.5', '--1', '- 1', '', null, true, '1e3', 2_147_483_648, '-2147483648', []])(
    'rejects %j',
    async (change) => {
      expect(messageOf(await acme.bulk([changing('A-15', change)]), 0)).toMatch(
        /^quantity_in_stock_change must be a whole number from -2147483647 to 2147483647; .* is not\.$/,
      );
    },
  );

  test('rejects a line with both a change and quantity_in_stock', async () => {
    const answer = await acme.bulk([{ ...changing('A-15', 1), quantity_in_stock: 5 }]);
    expect(answer.json).toEqual([
      { status_code: 400, message: textMatching(/cannot be given together/) },
    ]);
  });
});

describe('group: lines that are applied together or not at all', () => {
  test('a failed line leaves out only the other lines of its group', async () => {
    const answer = await acme.bulk([
      grouped('A-17'),
      grouped('A-18', 'kit'),
      grouped('NONE', 'kit'),
      grouped('A-19', 'kit'),
      grouped('A-20', 'set'),
      grouped('A-21', 'set'),
    ]);
    expect(statusesOf(answer)).toEqual([200, 424, 404, 424, 200, 200]);
    expect(messageOf(answer, 1)).toBe('Left out because the line at index 2 was not applied');
    expect(
      await Promise.all(['A-17', 'A-18', 'A-19', 'A-20'].map((id) => acme.stockOf(id))),
    ).toEqual([5, 10, 10, 5]);
  });

  test('an invalid line fails its group', async () => {
    const broken = { sku_id: 'A-22', quantity: 5, group: 'kit' };
    expect(await acme.statuses([broken, grouped('A-23', 'kit')])).toEqual([400, 424]);
  });

  test('later lines do not see the effects of a failed group', async () => {
    const lines = [
      { sku_id: 'A-24', quantity_in_stock_change: 5, group: 'kit' },
      { sku_id: 'NONE', quantity_in_stock: 5, group: 'kit' },
      { sku_id: 'A-24', quantity_in_stock: 1, expected_quantity_in_stock: 10 },
    ];
    expect(await acme.statuses(lines)).toEqual([424, 404, 200]);
  });

  test('rejects the later lines of a group that is not contiguous', async () => {
    const answer = await acme.bulk([
      grouped('A-25', 'kit'),
      grouped('A-26'),
      grouped('A-27', 'kit'),
      grouped('A-28', 'kit'),
    ]);
    expect(statusesOf(answer)).toEqual([200, 200, 400, 400]);
    expect(messageOf(answer, 2)).toMatch(/^group "kit" ended before this line: /);
  });

  test.for(['', 'x'.repeat(257), 5, null, ['kit']])('rejects %j as a group', async (group) => {
    const answer = await acme.bulk([{ sku_id: 'A-29', quantity_in_stock: 1, group }]);
    expect(messageOf(answer, 0)).toMatch(/^group must be a text of 1 to 256 characters; /);
  });
});
