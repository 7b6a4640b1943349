import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { BULK, SINGLE, TestServer } from '../harness.ts';
import { RawConnection } from './raw.ts';

/** A request of more lines is a group of its own. */
const GROUP_LINES_MAX = 100;
/** Their bodies are parsed on the main thread, in the event loop turns below. */
const LARGE_LINES = 1000;
const LARGE_REQUESTS = 4;
/** Event loop turns that the server needs: in each it reads, parses or prints a slice of every request. */
const TURNS = 100;

let server: TestServer;
let blocker: Database.Database;
/** The names of the answered requests, in order. */
let answered: string[];

beforeEach(async () => {
  answered = [];
  server = await TestServer.start({ busyTimeoutMs: 60_000, groupLinesMax: GROUP_LINES_MAX });
  blocker = new Database(server.database.url.replace(/^sqlite:/, ''));
});
afterEach(async () => {
  blocker.close();
  await server.stop();
});

/** Resolves when the server has read, parsed and queued the earlier requests. */
async function requestsQueued(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await server.ask('GET', '/healthz');
}

function largeBody(quantity: number): string {
  const line = `{"sku_id":"G","quantity_in_stock":${quantity}}`;
  return `[${Array.from({ length: LARGE_LINES }, () => line).join(',')}]`;
}

/** Sends a request; `answered` resolves to its name when it is answered 200. */
async function sendNow(name: string, path: string, token: string, body: string) {
  const connection = await RawConnection.open(server.url);
  await connection.send(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  const answer = async (): Promise<string> => {
    await connection.until(/^HTTP\/1\.1 200 .*\r\n\r\n[[{].*[\]}]\n$/s);
    await connection.destroy();
    return name;
  };
  return { answered: answer() };
}

async function recordAnswer(answer: Promise<string>): Promise<void> {
  answered.push(await answer);
}

describe('fair order of writes', () => {
  test("an update overtakes another supplier's waiting large requests, but not the one being written", async () => {
    const { token: largeToken } = await server.createSupplier('Acme', [entry('G')]);
    const { token: smallToken } = await server.createSupplier('Bolt', [entry('S')]);
    const { token: thirdToken } = await server.createSupplier('Crest', [entry('T')]);
    const waiting: Promise<unknown>[] = [];
    const send = async (...request: Parameters<typeof sendNow>): Promise<void> => {
      const sent = await sendNow(...request);
      waiting.push(recordAnswer(sent.answered));
      await requestsQueued();
    };
    blocker.exec('BEGIN IMMEDIATE');
    for (let i = 1; i <= LARGE_REQUESTS; i += 1) {
      await send(`large ${i}`, `${BULK}?errors_only=true`, largeToken, largeBody(i));
    }
    await send('small', SINGLE, smallToken, '{"sku_id":"S","quantity_in_stock":1}');
    await send('third', SINGLE, thirdToken, '{"sku_id":"T","quantity_in_stock":1}');
    blocker.exec('ROLLBACK');
    await Promise.all(waiting);
    expect(answered.slice(0, 3).toSorted()).toEqual(['large 1', 'small', 'third']);
    expect(answered.slice(3)).toEqual(['large 2', 'large 3', 'large 4']);
  });

  test('large requests of two suppliers alternate', async () => {
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
      const sent = await sendNow(name, `${BULK}?errors_only=true`, token, largeBody(1));
      waiting.push(recordAnswer(sent.answered));
      await requestsQueued();
    }
    blocker.exec('ROLLBACK');
    await Promise.all(waiting);
    expect(answered).toEqual(['A1', 'B1', 'A2', 'A3']);
  });
});
