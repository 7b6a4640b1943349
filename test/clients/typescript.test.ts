import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_TYPES, apiTypes } from '../../client/scripts/api-types.ts';
import { type Line, Onhand, PROBLEM_CLASSES, TimedOut } from '../../client/src/index.ts';
import { ndjsonChunks } from '../../client/src/ndjson.ts';
import { ERROR_CODES } from '../../src/domain/errors.ts';
import { TestServer } from '../http/harness.ts';
import { entry } from '../store/fixtures.ts';
import { PROGRAMS } from './programs.ts';
import { SCENARIOS } from './scenarios.ts';
import { play } from './world.ts';

/** A text after which no more arrives, and no end. */
async function* endless(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
  await new Promise(() => undefined);
}

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
  });
});
afterAll(() => server.stop());

describe('the TypeScript client', () => {
  test.for(SCENARIOS)('$title', async (scenario) => {
    await play(server, scenario, async (name, input) => {
      const program = PROGRAMS[name];
      if (program === undefined) throw new Error(`no program ${name}`);
      const onhand = new Onhand(input);
      const output: unknown = JSON.parse(JSON.stringify(await program(onhand, input)));
      return output;
    });
  });

  test('sends NDJSON whose group is no text as it arrives: the server refuses it row by row', async () => {
    const content = endless('{"sku_id": "A-1", "group": null}\n');
    const first = await ndjsonChunks(content).next();
    expect(first).toMatchObject({ value: { lines: [{ row: 1 }] } });
  });

  test.for(['update', 'stream'] as const)(
    'ends inventory.%s at its deadline though its lines are still waited for',
    async (method) => {
      const { token } = await server.createSupplier(`Waiting of ${method}`);
      const onhand = new Onhand({ url: server.url, token, deadlineMs: 20 });
      const waiting = new ReadableStream<Line>();
      await expect(onhand.inventory[method](waiting).next()).rejects.toBeInstanceOf(TimedOut);
    },
  );

  test('sends no Authorization header without a token, so that a page can use its cookie', async () => {
    let sent = new Headers();
    const onhand = new Onhand({
      url: 'https://stock.example.com',
      headers: { 'Onhand-Dashboard': '1' },
      fetch: (_url, init) => {
        // A browser adds cookies to requests of its own origin unless the caller asks for something else.
        expect(init).not.toHaveProperty('credentials');
        sent = new Headers(init?.headers);
        return Promise.resolve(Response.json({ webhooks: [] }));
      },
    });
    await onhand.webhooks.list();
    expect(sent.has('authorization')).toBe(false);
    expect(sent.get('onhand-dashboard')).toBe('1');
  });

  test('reads the statistics of what was sent', async () => {
    const { token } = await server.createSupplier('Counts', [entry('A-1')]);
    const onhand = new Onhand({ url: server.url, token });
    const from = new Date(Date.now() - 86_400_000);
    const { intervals } = await onhand.statistics({ from, interval: 'day' });
    expect(intervals.map(({ lines }) => lines).reduce((a, b) => a + b)).toBe(1);
  });

  test('has types that are those of the served OpenAPI document', async () => {
    const { text } = await server.ask('GET', '/openapi.json');
    // To update it: npx vitest run -u test/clients/typescript.test.ts
    await expect(await apiTypes(text)).toMatchFileSnapshot(API_TYPES);
  });

  test('has an error class for each problem type of the server', () => {
    expect(Object.keys(PROBLEM_CLASSES).toSorted()).toEqual([...ERROR_CODES].toSorted());
  });
});
