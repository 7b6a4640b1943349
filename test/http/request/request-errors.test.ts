import { METHODS } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { problemOf } from '../answers.ts';
import { BULK, LOGIN, SINGLE, SKUS, TestServer, type Answer, type Asking } from '../harness.ts';
import { exchange, RawConnection } from './raw.ts';
import { BATCHES } from '../inventory/written.ts';

const LINE = '{"sku_id":"A","quantity_in_stock":5}';
const UUID = '905c3e4b-ef10-4f77-b07e-03d4ecb743a0';

let server: TestServer;
let token: string;
let viewerToken: string;
let retailerToken: string;

beforeAll(async () => {
  server = await TestServer.start({ requestBytesMax: 2000, linesMax: 5 });
  const made = await server.createSupplier('Acme', [entry('A')]);
  token = made.token;
  viewerToken = await server.createToken(made.supplier.id, ['view_items']);
  const retailer = await server.createOrganization('retailer', 'Shop');
  retailerToken = await server.createToken(retailer.id, []);
});
afterAll(() => server.stop());

const send = (body: unknown, asking: Asking = {}): Promise<Answer> =>
  server.ask('POST', BULK, { token, body, ...asking });

describe('precedence of errors', () => {
  const ALL_OF_BODY = { headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(3000) };

  test('an unknown path (404) comes first', async () => {
    const asking = { ...ALL_OF_BODY, headers: { 'content-type': 'garbage' } };
    for (const method of ['POST', 'PUT', 'GET']) {
      const plain = method === 'GET' ? {} : asking;
      const answer = await server.ask(method, '/timp/nowhere/?x=1', plain);
      expect(problemOf(answer, 404, 'path_not_found')).toContain('/timp/nowhere/;');
    }
  });

  test('a wrong method (405) comes before authentication', async () => {
    const answer = await server.ask('PUT', BULK, ALL_OF_BODY);
    problemOf(answer, 405, 'method_not_allowed');
    expect(answer.headers.get('allow')).toBe('POST');
  });

  test('missing credentials (401) come before the body', async () => {
    const answer = await server.ask('POST', `${BULK}?x=1`, ALL_OF_BODY);
    problemOf(answer, 401, 'unauthenticated');
    expect(answer.headers.get('www-authenticate')).toBe('Token');
  });

  test('not being a supplier (409) comes before the permission', async () => {
    const answer = await send(ALL_OF_BODY.body, { ...ALL_OF_BODY, token: retailerToken });
    problemOf(answer, 409, 'not_a_supplier');
  });

  test('a missing permission (403) comes before the body', async () => {
    const detail = problemOf(
      await send('x', { ...ALL_OF_BODY, token: viewerToken }),
      403,
      'permission_missing',
    );
    expect(detail).toContain('edit_items');
  });

  test('the media type (415) comes before the size', async () => {
    const detail = problemOf(await send('x', ALL_OF_BODY), 415, 'media_type_unsupported');
    expect(detail).toContain('application/json');
  });

  test('too concurrent bytes or lines (413) come before their content', async () => {
    problemOf(await send('x'.repeat(3000)), 413, 'body_too_large');
    problemOf(await send('[1,1,1,1,1,1,'), 413, 'too_many_lines');
  });

  test('malformed JSON comes before too deep nesting, and both before a missing array (400)', async () => {
    problemOf(await send('[}'), 400, 'body_malformed');
    problemOf(await send(`${'{"a":'.repeat(9)}1${'}'.repeat(9)}`), 400, 'body_malformed');
    problemOf(await send('{}'), 400, 'body_shape_wrong');
  });

  test('rate limit (429) and overload (503) come after authentication and before the body', async () => {
    const busy = await TestServer.start({ requestsPerSecondMax: 2, openRequestsMax: 1 });
    const { supplier, token: first } = await busy.createSupplier('Acme');
    const second = await busy.createToken(supplier.id, ['edit_items']);
    const viewer = await busy.createToken(supplier.id, ['view_items']);
    const occupying = await RawConnection.open(busy.url);
    await occupying.send(
      `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${first}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
    );
    await occupying.until(/^HTTP\/1\.1 100 /);

    // Node sends 100 Continue before the request is authenticated.
    let overloaded = await busy.ask('POST', BULK, { ...ALL_OF_BODY, token: second });
    while (overloaded.status !== 503) {
      overloaded = await busy.ask('POST', BULK, { ...ALL_OF_BODY, token: second });
    }
    problemOf(overloaded, 503, 'overloaded');
    expect(overloaded.headers.get('retry-after')).toMatch(/^[1-9][0-9]*$/);
    problemOf(
      await busy.ask('POST', BULK, { ...ALL_OF_BODY, token: viewer }),
      403,
      'permission_missing',
    );
    problemOf(await busy.ask('POST', BULK, ALL_OF_BODY), 401, 'unauthenticated');

    const concurrent = await Promise.all(
      Array.from({ length: 12 }, () => busy.ask('POST', BULK, { ...ALL_OF_BODY, token: second })),
    );
    const limited = concurrent.filter(({ status }) => status === 429);
    expect(limited).not.toEqual([]);
    for (const answer of limited) {
      problemOf(answer, 429, 'rate_limited');
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9][0-9]*$/);
    }
    await occupying.destroy();
    await busy.stop();
  });
});

describe('paths and methods', () => {
  const ALLOWED: readonly (readonly [path: string, allow: string])[] = [
    [BULK, 'POST'],
    [SINGLE, 'POST'],
    [BATCHES, 'GET, HEAD'],
    [`${BATCHES}${UUID}/`, 'GET, HEAD'],
    [`${BATCHES}${UUID}/results/`, 'GET, HEAD'],
    [`${BATCHES}${UUID}/revert/`, 'POST'],
    [SKUS, 'GET, HEAD, POST'],
    [`${SKUS}${UUID}/`, 'GET, HEAD, PATCH, DELETE'],
    [LOGIN, 'POST'],
    ['/healthz', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/openapi.json', 'GET, HEAD'],
    ['/docs', 'GET, HEAD'],
    ['/docs/errors', 'GET, HEAD'],
  ];

  test.for(ALLOWED)(
    '%s allows %s and refuses other methods without authentication',
    async ([path, allow]) => {
      const others = METHODS.filter(
        (method) => method !== 'CONNECT' && !allow.split(', ').includes(method),
      );
      for (const method of others) {
        const answer = await exchange(
          server.url,
          `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
        );
        expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, allow]);
        if (method !== 'HEAD')
          expect(problemOf(answer, 405, 'method_not_allowed')).toContain(allow);
      }
    },
  );

  test.for([BULK, SINGLE, LOGIN, SKUS])(
    '%s also works without its trailing slash',
    async (path) => {
      const asking = { token, body: path === BULK ? '[]' : '{}' };
      const [with_, without] = [
        await server.ask('POST', path, asking),
        await server.ask('POST', path.replace(/\/$/, ''), asking),
      ];
      expect(without.status).toBe(with_.status);
      expect([404, 405]).not.toContain(without.status);
      expect(without.headers.get('content-type')).toBe(with_.headers.get('content-type'));
    },
  );

  test('a fixed path takes precedence over a uuid', async () => {
    for (const path of [SINGLE, SINGLE.replace(/\/$/, '')]) {
      problemOf(await server.ask('GET', path, { token }), 405, 'method_not_allowed');
    }
    problemOf(await server.ask('GET', `${SKUS}inventories/`, { token }), 404, 'sku_not_found');
  });

  test.for(['/timp/%zz', `${SKUS}%e0%a4%a/`, '/%'])(
    '%s, a malformed escape, returns 404',
    async (path) => {
      const answer = await server.ask('GET', path, { token });
      expect(problemOf(answer, 404, 'path_not_found')).toContain('%');
    },
  );

  test('a path with a part of more than 100 characters returns 404', async () => {
    for (const path of [`${SKUS}${'n'.repeat(101)}`, `${SKUS}${'n'.repeat(101)}/x`]) {
      problemOf(await server.ask('GET', path, { token }), 404, 'path_not_found');
    }
  });

  test.for(['/timp', '/TIMP/products/skus/', '/timp//products/skus/', `${BULK}x/`])(
    '%s returns 404',
    async (path) => {
      problemOf(await server.ask('GET', path, { token }), 404, 'path_not_found');
    },
  );

  test('an unknown query parameter is rejected and named', async () => {
    const answer = await server.ask('POST', `${BULK}?dryrun=true`, { token, body: `[${LINE}]` });
    expect(problemOf(answer, 400, 'parameter_invalid')).toContain('"dryrun"');
  });
});

test('every response has a unique Request-Id', async () => {
  const answers = await Promise.all([send('[]'), send('[]'), send('['), server.ask('GET', '/x')]);
  const ids = answers.map(({ headers }) => headers.get('request-id'));
  expect(new Set(ids).size).toBe(answers.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
});

describe('Content-Type', () => {
  test.for([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'Application/JSON; Charset=utf8',
    'application/json; version=1',
    'application/json;',
  ])('%j is accepted', async (type) => {
    expect((await send(`[${LINE}]`, { headers: { 'content-type': type } })).status).toBe(200);
  });

  test.for([
    'text/plain',
    'text/csv',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/merge-patch+json',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
    'json',
    ';',
    '',
  ])('%j is rejected, and the error names the supported type', async (type) => {
    const answer = await send(`[${LINE}]`, { headers: { 'content-type': type } });
    expect(problemOf(answer, 415, 'media_type_unsupported')).toContain('application/json');
  });

  test('a body without a Content-Type is read as JSON', async () => {
    const answer = await exchange(server.url, rawPost('', `[${LINE}]`));
    expect([answer.status, answer.text]).toEqual([
      200,
      '[{"status_code":200,"message":"success"}]\n',
    ]);
  });
});

/** A bulk request as text, with additional headers. */
function rawPost(headers: string, body: string, length: number = Buffer.byteLength(body)): string {
  return `POST ${BULK} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Token ${token}\r\n${headers}Content-Length: ${length}\r\n\r\n${body}`;
}

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

const headOf = (framing: string) =>
  `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n${framing}\r\n\r\n`;

describe('refuses a body that is too large while reading it', () => {
  test.for([
    [
      'by its Content-Length, before it is sent',
      () => headOf('Content-Length: 2001'),
      'body_too_large',
    ],
    [
      'by the received bytes, without a Content-Length',
      () =>
        headOf('Transfer-Encoding: chunked') +
        chunk(`["${'x'.repeat(1200)}`) +
        chunk('y'.repeat(1200)),
      'body_too_large',
    ],
    [
      'by the received lines, with most of the body still unsent',
      () => `${headOf('Content-Length: 1999')}[1,1,1,1,1,1,`,
      'too_many_lines',
    ],
  ] as const)('%s', async ([, bytes, code]) => {
    const connection = await RawConnection.open(server.url);
    await connection.send(bytes());
    const received = await connection.until(/\r\n\r\n\{.*\}\n$/s);
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
    expect(received).toContain(`#${code}"`);
    await connection.destroy();
  });

  test('accepts a body exactly at the limit', async () => {
    const padded = `[${LINE}]`.padEnd(2000);
    expect((await send(padded)).status).toBe(200);
    problemOf(await send(`${padded} `), 413, 'body_too_large');
    expect((await send(`[${Array(5).fill(LINE).join(',')}]`)).status).toBe(200);
    const detail = problemOf(
      await send(`[${Array(6).fill(LINE).join(',')}]`),
      413,
      'too_many_lines',
    );
    expect(detail).toContain('more than 5 lines');
  });

  test('counts lines in a form-encoded body', async () => {
    const body = `data=${encodeURIComponent(`[${Array(6).fill('1').join(',')}]`)}`;
    problemOf(await send(body), 413, 'too_many_lines');
  });

  test('does not count the members of an object as lines', async () => {
    const members = {
      sku_id: 'B',
      title: 'b',
      condition: 'new',
      mpn: 'm',
      asin: 'a',
      brand: 'c',
      msrp: 1,
    };
    expect((await server.ask('POST', SKUS, { token, body: members })).status).toBe(201);
  });
});

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('rejects a body that cannot be read', () => {
  test.for(['', ' ', '\n'])('a blank body: %j', async (body) => {
    const detail = problemOf(await send(body), 400, 'body_missing');
    expect(detail).toContain('a JSON array of lines');
  });

  test('no body and no Content-Length', async () => {
    const answer = await exchange(
      server.url,
      `POST ${BULK} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Token ${token}\r\n\r\n`,
    );
    expect(problemOf(answer, 400, 'body_missing')).toContain('a JSON array of lines');
  });

  test('malformed JSON, with line and column', async () => {
    const detail = problemOf(await send('[\n  {"sku_id": "A",}\n]'), 400, 'body_malformed');
    expect(detail).toContain('line 2, column 18');
  });

  test.for(['{}', LINE, '"x"', '5', 'null', 'true'])('%s instead of an array', async (body) => {
    expect(problemOf(await send(body), 400, 'body_shape_wrong')).toContain('a JSON array of lines');
  });

  test('eight levels of nesting fail the line, nine the request', async () => {
    expect((await send(nested(8))).status).toBe(200);
    expect(problemOf(await send(nested(9)), 400, 'body_malformed')).toContain('at most 8');
  });

  test('bytes that are not UTF-8, with line and column', async () => {
    const bytes = Buffer.concat([
      Buffer.from('[\n"é\uFFFDx'),
      Buffer.from([0xff]),
      Buffer.from('"]'),
    ]);
    const detail = problemOf(await send(bytes), 400, 'body_malformed');
    expect(detail).toContain('not UTF-8: line 2, column 5');
    const cut = Buffer.from('["\u{1f600}').subarray(0, 4);
    expect(problemOf(await send(cut), 400, 'body_malformed')).toContain('line 1, column 3');
  });

  test('accepts a byte order mark', async () => {
    expect((await send(`\uFEFF[${LINE}]`)).status).toBe(200);
    problemOf(await send('\uFEFF'), 400, 'body_missing');
  });
});

describe('invalid HTTP', () => {
  test.for([
    ['GARBAGE\r\n\r\n', 400, 'request_malformed'],
    [`FOO ${BULK} HTTP/1.1\r\nHost: x\r\n\r\n`, 400, 'request_malformed'],
    [`GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n`, 400, 'request_malformed'],
    [`POST ${BULK} HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n`, 400, 'request_malformed'],
    [
      `POST ${BULK} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n[]`,
      400,
      'request_malformed',
    ],
    [
      `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ] as const)('%j', async ([bytes, status, code]) => {
    const answer = await exchange(server.url, bytes);
    problemOf(answer, status, code);
  });
});
