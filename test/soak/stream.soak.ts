import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { benchDatabase, removeDatabase, skuIdOf } from '../../bench/catalogue.ts';
import { prepareStreamTarget, streamKillRound } from '../durability/stream-kill.ts';
import { ServerProcess } from '../durability/server-process.ts';
import { Random } from '../random.ts';
import { sqliteDatabase } from '../store/fixtures.ts';

const LINES = 10_000_000;
const SKUS = 100_000;
const RESIDENT_MIB_MAX = 400;
/**
 * By default Node.js lets garbage grow to hundreds of MiB before it collects any. The heap is limited, so that the
 * test measures what a stream needs.
 */
const SMALL_HEAP = '--max-old-space-size=96 --max-semi-space-size=4';
const CHUNK_LINES = 1000;
const SUCCESS_BYTES = '{"status_code":200,"message":"success"}\n'.length;
const KILLS = 40;

test(`a stream of ${LINES} lines is as fast at its end, in constant memory, with ${SMALL_HEAP}`, async () => {
  const { path, tokens } = await benchDatabase(SKUS);
  const database = { url: `sqlite:${path}`, remove: () => Promise.resolve() };
  const server = await ServerProcess.start(database, { NODE_OPTIONS: SMALL_HEAP });
  try {
    const tenthsMs = await sendLines(server.url, tokens[0] ?? '');
    const rates = tenthsMs.map((ms) => Math.round(LINES / 10 / (ms / 1000)));
    const residentMib = Math.round(server.residentMib());
    process.stderr.write(`stream: ${rates.join(', ')} lines/s by tenths; ${residentMib} MiB\n`);
    expect(residentMib).toBeLessThan(RESIDENT_MIB_MAX);
    // The last tenth is compared with the second, because the first one starts with an empty log and a cold cache.
    expect(rates.at(-1)).toBeGreaterThan((rates[1] ?? 0) * 0.8);
  } finally {
    await server.stop();
    await removeDatabase(path);
  }
});

/** Sends all lines in one stream. Returns how long each tenth took. */
async function sendLines(url: string, token: string): Promise<readonly number[]> {
  const sent = request(`${url}/timp/products/skus/inventory/bulk/`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Token ${token}`, 'content-type': 'application/x-ndjson' },
  });
  sent.flushHeaders();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
  const tenthsMs: number[] = [];
  const tenthBytes = (LINES / 10) * SUCCESS_BYTES;
  let bytes = 0;
  let sinceMs = performance.now();
  response.on('data', (chunk: Buffer) => {
    const before = Math.floor(bytes / tenthBytes);
    bytes += chunk.length;
    if (Math.floor(bytes / tenthBytes) === before) return;
    tenthsMs.push(performance.now() - sinceMs);
    sinceMs = performance.now();
    process.stderr.write(`stream: ${tenthsMs.length} of 10 tenths\n`);
  });
  const ended = once(response, 'end');
  const random = new Random(5);
  for (let line = 0; line < LINES; line += CHUNK_LINES) {
    if (!sent.write(randomRows(random))) await once(sent, 'drain');
  }
  sent.end();
  await ended;
  expect(bytes).toBe(LINES * SUCCESS_BYTES);
  return tenthsMs;
}

function randomRows(random: Random): string {
  let rows = '';
  for (let i = 0; i < CHUNK_LINES; i += 1) {
    rows += `{"sku_id":"${skuIdOf(random.below(SKUS))}","quantity_in_stock":${random.below(1_000_000)}}\n`;
  }
  return rows;
}

test(`${KILLS} kills of the server or the connection of a stream leave whole chunks`, async () => {
  const database = await sqliteDatabase();
  const target = await prepareStreamTarget(database);
  const random = new Random(13);
  let lines = 0;
  for (let round = 1; round <= KILLS; round += 1) {
    lines += await streamKillRound(target, random);
    if (round % 10 === 0) process.stderr.write(`stream kill: ${round} of ${KILLS}\n`);
  }
  expect(lines).toBeGreaterThan(0);
  await database.remove();
});
