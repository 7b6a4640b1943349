import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { BULK, SINGLE, TestServer } from '../harness.ts';
import { RawConnection } from './raw.ts';

const GIANT_LINES = 100_000;
const GIANTS = 4;
/** In each turn of the server's loop it reads, parses or prints a slice of each request. */
const TURNS = 100;

let server: TestServer;
let blocker: Database.Database;
/** Those answered, in their order. */
let answered: string[];

beforeEach(async () => {
  answered = [];
  server = await TestServer.start({ busyTimeoutMs: 60_000 });
  blocker = new Database(server.database.url.replace(/^sqlite:/, ''));
});
afterEach(async () => {
  blocker.close();
  await server.stop();
});

/** Resolves when what was sent before is read, parsed and waiting. */
async function serverHasCaughtUp(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await server.ask('GET', '/healthz');
}

function giant(quantity: number): string {
  const line = `{"sku_id":"G","quantity_in_stock":${quantity}}`;
  return `[${Array.from({ length: GIANT_LINES }, () => line).join(',')}]`;
}

/** Sends a request at once; gives its name when it is answered 200. */
async function sendNow(name: string, path: string, token: string, body: string) {
  const connection = await RawConnection.open(server.url);
  await connection.send(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  const answer = async (): Promise<string> => {
    await connection.until(/^HTTP\/1\.1 200 .*\r\n\r\n[[{].*[\]}]$/s);
    await connection.destroy();
    return name;
  };
  return { answered: answer() };
}

async function noted(answer: Promise<string>): Promise<void> {
  answered.push(await answer);
}

describe('while giants of one supplier wait', () => {
  test("another supplier's update waits for the one that is being written, and for no other", async () => {
    const { token: ofGiants } = await server.createSupplier('Acme', [entry('G')]);
    const { token: ofSmall } = await server.createSupplier('Bolt', [entry('S')]);
    const { token: ofThird } = await server.createSupplier('Crest', [entry('T')]);
    const waiting: Promise<unknown>[] = [];
    const send = async (...request: Parameters<typeof sendNow>): Promise<void> => {
      const sent = await sendNow(...request);
      waiting.push(noted(sent.answered));
      await serverHasCaughtUp();
    };
    blocker.exec('BEGIN IMMEDIATE');
    for (let i = 1; i <= GIANTS; i += 1) {
      await send(`giant ${i}`, `${BULK}?errors_only=true`, ofGiants, giant(i));
    }
    await send('small', SINGLE, ofSmall, '{"sku_id":"S","quantity_in_stock":1}');
    await send('third', SINGLE, ofThird, '{"sku_id":"T","quantity_in_stock":1}');
    blocker.exec('ROLLBACK');
    await Promise.all(waiting);
    expect(answered.slice(0, 3).toSorted()).toEqual(['giant 1', 'small', 'third']);
    expect(answered.slice(3)).toEqual(['giant 2', 'giant 3', 'giant 4']);
  });

  test('giants of two suppliers take turns', async () => {
    const { token: first } = await server.createSupplier('Acme', [entry('G')]);
    const { token: second } = await server.createSupplier('Bolt', [entry('G')]);
    const waiting: Promise<unknown>[] = [];
    blocker.exec('BEGIN IMMEDIATE');
    for (const [name, token] of [
      ['A1', first],
      ['A2', first],
      ['A3', first],
      ['B1', second],
    ] as const) {
      const sent = await sendNow(name, `${BULK}?errors_only=true`, token, giant(1));
      waiting.push(noted(sent.answered));
      await serverHasCaughtUp();
    }
    blocker.exec('ROLLBACK');
    await Promise.all(waiting);
    expect(answered).toEqual(['A1', 'B1', 'A2', 'A3']);
  });
});
