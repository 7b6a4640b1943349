import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, skuOf, textAt } from '../answers.ts';
import { SINGLE, TestServer, type Answer } from '../harness.ts';

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme', [
    entry('A-1', { product: { upca: '012345678905' } }),
    entry('B-1', { product: { ean13: '4006381333931' } }),
    entry('B-2', { product: { ean13: '4006381333931' } }),
  ]));
});
afterAll(() => server.stop());

const send = (body: unknown): Promise<Answer> => server.ask('POST', SINGLE, { token, body });

test.for([
  { sku_id: 'A-1', quantity_in_stock: 5 },
  { sku_id: 'A-1', quantity_in_stock: 5 },
  { ean13: '0012345678905', restrictions: 'discontd', backorder_date: null },
])('a line that was applied, or was so already, is a success: %j', async (line) => {
  const answer = await send(line);
  expect(answer.status).toBe(200);
  expect(answer.text).toBe('{"message":"success"}\n');
  expect(answer.headers.get('content-type')).toMatch(/^application\/json(; charset=utf-8)?$/);
});

test('a single update can be read back', async () => {
  await send({ sku_id: 'A-1', quantity_in_stock: '77', restrictions: 'tmpunavail' });
  expect(await skuOf(server, token, 'A-1')).toMatchObject({
    quantity_in_stock: 77,
    restrictions: 'tmpunavail',
  });
});

describe('a failed line returns a problem document with the status of the line', () => {
  test('404 if no SKU matches', async () => {
    const detail = problemLine(await send({ sku_id: 'NON-EXISTENT', quantity_in_stock: 1 }), 404);
    expect(detail).toBe(
      "No sku found with sku identifier: {'sku_id': 'NON-EXISTENT'}; Valid identifiers: sku_id, upca, ean13, gtin14, isbn",
    );
  });

  test('422 if more than one SKU matches', async () => {
    const detail = problemLine(await send({ ean13: '4006381333931', quantity_in_stock: 1 }), 422);
    expect(detail).toBe(
      "More than one sku matches: 'B-1', 'B-2'; name the one that is meant by its sku_id",
    );
  });

  test.for([
    [{ sku_id: 'A-1', quantity_in_stock: 'x' }, /^quantity_in_stock must be a whole number/],
    [{ sku_id: 'A-1', quantity: 5 }, /^"quantity" is not a known member/],
    ['{"sku_id": "A-1", "__proto__": 1, "quantity_in_stock": 5}', /^"__proto__" is not/],
    [{ upca: '9780306406157', quantity_in_stock: 5 }, /^upca "9780306406157" has 13 digits/],
    [
      '{"ean13": 9.780306406157e12, "quantity_in_stock": 5}',
      /^ean13 9\.780306406157e12 was rounded/,
    ],
    [
      '{"1": 2, "sku_id": 1.5, "0": 1}',
      /^"1" is not .* sku_id 1\.5 is .* "0" is not .* sets nothing/,
    ],
    [{}, /^The line names no SKU.*The line sets nothing/],
  ] as const)('400 where it cannot be read: %j', async ([line, expected]) => {
    expect(problemLine(await send(line), 400)).toMatch(expected);
  });
});

test.for(['[]', '[{"sku_id": "A-1", "quantity_in_stock": 1}]', '"A-1"', 'null', '5'])(
  'rejects a body that is not an object: %s',
  async (body) => {
    const detail = problemOf(await send(body), 400, 'body_shape_wrong');
    expect(detail).toMatch(/^The body must be one line as a JSON object such as /);
  },
);

test('the error for a missing body says what is expected', async () => {
  const detail = problemOf(await send(''), 400, 'body_missing');
  expect(detail).toContain('one line as a JSON object');
});

/** Checks a problem document about a line. Returns the message of the line. */
function problemLine(answer: Answer, status: number): string {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(
    /^application\/problem\+json(; charset=utf-8)?$/,
  );
  expect(answer.json).toEqual({
    type: '/docs/errors#line_failed',
    title: 'The line was not applied',
    status,
    detail: textMatching(/^/),
    message: textMatching(/^/),
    request_id: answer.headers.get('request-id'),
  });
  const detail = textAt(answer.json, 'detail');
  expect(at(answer.json, 'message')).toBe(detail);
  return detail;
}
