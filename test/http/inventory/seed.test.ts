/**
 * The four samples of the documentation that clients of the bulk update were written from, unchanged.
 * Only the host is replaced.
 */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../../src/accounts/credentials.ts';
import { entry } from '../../store/fixtures.ts';
import { problemOf, skuOf } from '../answers.ts';
import { TestServer, type Answer } from '../harness.ts';
import { parseAnswer, RawConnection } from '../request/raw.ts';

const SAMPLE_HOST = 'https://api-dev.cruxconnect.com';
const SAMPLE_TOKEN = '1083e3ec5c40b36fd663ba925bc8d864061463e2';

const CURL = String.raw`curl -X "POST" "https://api-dev.cruxconnect.com/timp/products/skus/inventory/bulk/" \
     -H 'Authorization: Token 1083e3ec5c40b36fd663ba925bc8d864061463e2' \
     -H 'Content-Type: application/json; charset=utf-8' \
     -H 'Cookie: sessionid=0go3ewc40dk7rlevmdziljl3lf3wxpid' \
     -d $'[
  {
    "quantity_in_stock": 512,
    "sku_id": "xkuOwSQ3utl"
  },
  {
    "quantity_in_stock": 101,
    "quantity_on_backorder": 12,
    "sku_id": "2mNh6Gvwgl7LjmZj"
  },
  {
    "quantity_in_stock": 13,
    "sku_id": "NON-EXISTENT"
  }
]'`;

const HTTPIE = String.raw`http --form POST 'https://api-dev.cruxconnect.com/timp/products/skus/inventory/bulk/' \
    'Authorization':'Token 1083e3ec5c40b36fd663ba925bc8d864061463e2' \
    'Content-Type':'application/json; charset=utf-8' \
    'Cookie':'sessionid=0go3ewc40dk7rlevmdziljl3lf3wxpid' \
    'data'='[{\"sku_id\":\"xkuOwSQ3utl\",\"quantity_in_stock\":512},{\"sku_id\":\"2mNh6Gvwgl7LjmZj\",\"quantity_in_stock\":101,\"quantity_on_backorder\":12},{\"sku_id\":\"NON-EXISTENT\",\"quantity_in_stock\":13}]'`;

const PYTHON = String.raw`import requests


def send_request():
    # Bulk update sku inventory
    # POST https://api-dev.cruxconnect.com/timp/products/skus/inventory/bulk/

    try:
        response = requests.post(
            url="https://api-dev.cruxconnect.com/timp/products/skus/inventory/bulk/",
            headers={
                "Authorization": "Token 1083e3ec5c40b36fd663ba925bc8d864061463e2",
                "Content-Type": "application/json; charset=utf-8",
                "Cookie": "sessionid=0go3ewc40dk7rlevmdziljl3lf3wxpid",
            },
        )
        print('Response HTTP Status Code: {status_code}'.format(
            status_code=response.status_code))
        print('Response HTTP Response Body: {content}'.format(
            content=response.content))
    except requests.exceptions.RequestException:
        print('HTTP Request failed')`;

const NODE = String.raw`// request Bulk update sku inventory
(function(callback) {
    'use strict';

    const httpTransport = require('https');
    const responseEncoding = 'utf8';
    const httpOptions = {
        hostname: 'api-dev.cruxconnect.com',
        port: '443',
        path: '/timp/products/skus/inventory/bulk/',
        method: 'POST',
        headers: {"Authorization":"Token 1083e3ec5c40b36fd663ba925bc8d864061463e2","Content-Type":"application/json; charset=utf-8","Cookie":"sessionid=0go3ewc40dk7rlevmdziljl3lf3wxpid"}
    };
    httpOptions.headers['User-Agent'] = 'node ' + process.version;

    // Paw Store Cookies option is not supported

    const request = httpTransport.request(httpOptions, (res) => {
        let responseBufs = [];
        let responseStr = '';

        res.on('data', (chunk) => {
            if (Buffer.isBuffer(chunk)) {
                responseBufs.push(chunk);
            }
            else {
                responseStr = responseStr + chunk;
            }
        }).on('end', () => {
            responseStr = responseBufs.length > 0 ?
                Buffer.concat(responseBufs).toString(responseEncoding) : responseStr;

            callback(null, res.statusCode, res.headers, responseStr);
        });

    })
    .setTimeout(0)
    .on('error', (error) => {
        callback(error);
    });
    request.write("[{\"sku_id\":\"xkuOwSQ3utl\",\"quantity_in_stock\":512},{\"sku_id\":\"2mNh6Gvwgl7LjmZj\",\"quantity_in_stock\":101,\"quantity_on_backorder\":12},{\"sku_id\":\"NON-EXISTENT\",\"quantity_in_stock\":13}]")
    request.end();


})((error, statusCode, headers, body) => {
    console.log('ERROR:', error);
    console.log('STATUS:', statusCode);
    console.log('HEADERS:', JSON.stringify(headers));
    console.log('BODY:', body);
});`;

/** The reply in that documentation. */
const REPLY = `[
  {
    "status_code": 200,
    "message": "success"
  },
  {
    "status_code": 200,
    "message": "success"
  },
  {
    "status_code": 404,
    "message": "No sku found with sku identifier: {'sku_id': 'NON-EXISTENT'}; Valid identifiers: sku_id, upca, ean13, gtin14, isbn"
  }
]`;
/** The reply without insignificant white space. */
const REPLY_BYTES = `${JSON.stringify(JSON.parse(REPLY))}\n`;

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  const made = await server.createSupplier('Acme', [
    entry('xkuOwSQ3utl'),
    entry('2mNh6Gvwgl7LjmZj'),
  ]);
  token = made.token;
  const { accounts } = server.store;
  const { id: userId } = await accounts.findServiceUser(made.supplier.id);
  await accounts.createToken({
    userId,
    tokenHash: hashToken(SAMPLE_TOKEN),
    permissions: ['view_items', 'edit_items'],
    expiresAtMs: null,
  });
});
afterAll(() => server.stop());

/** Runs a program without a proxy. Returns its standard output. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, NO_PROXY: '*', no_proxy: '*' };
  const { stdout } = await promisify(execFile)(program, args, { env });
  return stdout;
}

const isInstalled = (program: string, ...args: readonly string[]): boolean =>
  spawnSync(program, args).status === 0;

/** Resets the SKUs of the samples, sends, and checks that the lines were applied. */
async function expectApplied(send: () => Promise<void>): Promise<void> {
  await server.ask('POST', '/timp/products/skus/inventory/bulk/', {
    token,
    body: [
      { sku_id: 'xkuOwSQ3utl', quantity_in_stock: 0 },
      { sku_id: '2mNh6Gvwgl7LjmZj', quantity_in_stock: 0, quantity_on_backorder: 0 },
    ],
  });
  await send();
  expect(await skuOf(server, token, 'xkuOwSQ3utl')).toMatchObject({
    quantity_in_stock: 512,
    quantity_on_backorder: null,
  });
  expect(await skuOf(server, token, '2mNh6Gvwgl7LjmZj')).toMatchObject({
    quantity_in_stock: 101,
    quantity_on_backorder: 12,
  });
}

test('the curl sample gets the documented reply to the byte', async () => {
  await expectApplied(async () => {
    const command = `${CURL.replace(SAMPLE_HOST, server.url)} -sS -w ' %{http_code}'`;
    expect(await run('bash', '-c', command)).toBe(`${REPLY_BYTES} 200`);
  });
});

test('the Node.js sample gets the documented reply to the byte', async () => {
  const { hostname, port } = new URL(server.url);
  const script = NODE.replace("require('https')", "require('http')")
    .replace("'api-dev.cruxconnect.com'", `'${hostname}'`)
    .replace("port: '443'", `port: '${port}'`);
  await expectApplied(async () => {
    const output = await run(process.execPath, '-e', script);
    expect(output).toContain('ERROR: null\nSTATUS: 200\n');
    expect(output).toContain(`\nBODY: ${REPLY_BYTES}\n`);
  });
});

test.skipIf(!isInstalled('http', '--version'))(
  'the HTTPie sample gets the documented reply to the byte',
  async () => {
    const command = HTTPIE.replace(SAMPLE_HOST, server.url).replace(
      'http ',
      'http --ignore-stdin --body ',
    );
    await expectApplied(async () => {
      expect((await run('bash', '-c', command)).trim()).toBe(REPLY_BYTES.trim());
    });
  },
);

/** Sends the recorded headers and body of a client. */
async function replay(headers: readonly string[], body: string): Promise<Answer> {
  const connection = await RawConnection.open(server.url);
  const path = '/timp/products/skus/inventory/bulk/';
  const head = [`POST ${path} HTTP/1.1`, `Host: ${new URL(server.url).host}`, ...headers];
  await connection.send(`${head.join('\r\n')}\r\n\r\n${body}`);
  const answer = parseAnswer(await connection.until(/\r\n\r\n[[{].*[\]}]\n$/s));
  await connection.destroy();
  return answer;
}

test('the recorded bytes of the HTTPie sample get the documented reply to the byte', async () => {
  const data = /'data'='(.*)'$/.exec(HTTPIE)?.[1] ?? '';
  const body = `data=${encodeURIComponent(data)}`;
  expect(body).toMatch(/^data=%5B%7B%5C%22sku_id%5C%22%3A%5C%22xkuOwSQ3utl%5C%22%2C/);
  expect(body).toHaveLength(327);
  await expectApplied(async () => {
    const answer = await replay(
      [
        'Accept-Encoding: gzip, deflate',
        'Accept: */*',
        'Connection: keep-alive',
        'Content-Length: 327',
        'User-Agent: HTTPie/3.2.1',
        'Content-Type: application/json; charset=utf-8',
        `Authorization: Token ${SAMPLE_TOKEN}`,
        'Cookie: sessionid=0go3ewc40dk7rlevmdziljl3lf3wxpid',
      ],
      body,
    );
    expect([answer.status, answer.text]).toEqual([200, REPLY_BYTES]);
  });
});

const WHAT_TO_SEND = 'The request has no body; a JSON array of lines such as';

test.skipIf(!isInstalled('python3', '-c', 'import requests'))(
  'the Python sample, which sends no body, gets an error that explains what to send',
  async () => {
    const output = await run(
      'python3',
      '-c',
      `${PYTHON.replaceAll(SAMPLE_HOST, server.url)}\nsend_request()`,
    );
    expect(output).toContain('Response HTTP Status Code: 400\n');
    expect(output).toContain(WHAT_TO_SEND);
  },
);

test('the recorded bytes of the Python sample get an error that explains what to send', async () => {
  const answer = await replay(
    [
      'User-Agent: python-requests/2.34.2',
      'Accept-Encoding: gzip, deflate',
      'Accept: */*',
      'Connection: keep-alive',
      `Authorization: Token ${SAMPLE_TOKEN}`,
      'Content-Type: application/json; charset=utf-8',
      'Cookie: sessionid=0go3ewc40dk7rlevmdziljl3lf3wxpid',
      'Content-Length: 0',
    ],
    '',
  );
  expect(problemOf(answer, 400, 'body_missing')).toContain(WHAT_TO_SEND);
});
