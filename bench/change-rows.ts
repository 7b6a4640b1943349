import Sqlite from 'better-sqlite3';
import { Followers } from './followers.ts';
import {
  conditionsOf,
  eachRound,
  LOADED,
  medianOf,
  onStage,
  row,
  SKUS,
  Stage,
  type BenchRow,
} from './stage.ts';

const READ_GOAL = 200_000;
const PAGE_LIMIT = 10_000;
/** Per round. */
const PAGES = 40;

/** The change feed, read page by page from the start by one reader. */
export const changeRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), async (stage) => {
    const [token = ''] = stage.database.tokens;
    const name = 'changes read';
    const results = await eachRound(name, rounds, async () => ({
      read: await walk(stage.server.url, token),
      query: queryAlone(stage.database.path),
    }));
    const query = medianOf(results, (result) => result.query);
    return [
      row(
        name,
        [medianOf(results, (result) => result.read), 'changes/s'],
        READ_GOAL,
        { atLeast: 1 },
        `limit: the goal; ${PAGE_LIMIT} a page, one reader, not compressed; a query of them alone gives ${Math.round(query).toLocaleString('en')} a second`,
      ),
    ];
  });

const CURSOR = /"cursor":"([^"]+)","has_more":true\}$/;
const TAIL_BYTES = 4096;

/** Changes per second. */
async function walk(url: string, token: string): Promise<number> {
  const path = `${url}/timp/products/skus/inventory/changes/?limit=${PAGE_LIMIT}`;
  let place = 'from=start';
  const startedMs = performance.now();
  for (let page = 0; page < PAGES; page += 1) {
    const response = await fetch(`${path}&${place}`, {
      headers: { authorization: `Token ${token}`, 'accept-encoding': 'identity' },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const cursor = CURSOR.exec(bytes.toString('latin1', bytes.length - TAIL_BYTES))?.[1];
    if (cursor === undefined) throw new Error('the changes ended too soon');
    place = `after=${cursor}`;
  }
  return (PAGES * PAGE_LIMIT * 1000) / (performance.now() - startedMs);
}

/** Rows per second of the bare query in one thread. */
function queryAlone(path: string): number {
  const db = new Sqlite(path, { readonly: true });
  const page = db
    .prepare<[number, number]>(
      `SELECT changes.*, uuid, sku_id, upca, ean13, gtin14, isbn, asin, mpn
       FROM changes CROSS JOIN skus ON skus.key = (changes.supplier_id << 32) + sku_number
       WHERE changes.supplier_id = 1 AND sequence > ? ORDER BY sequence LIMIT ?`,
    )
    .raw();
  const startedMs = performance.now();
  for (let n = 0; n < PAGES; n += 1) page.all(n * PAGE_LIMIT, PAGE_LIMIT);
  const tookMs = performance.now() - startedMs;
  db.close();
  return (PAGES * PAGE_LIMIT * 1000) / tookMs;
}

const FOLLOWERS = 1000;
const UPDATES_PER_SECOND = 10;
const DELAY_GOAL_MS = 1000;
const SUPPLIERS = 10;

/** A thousand followers of nine suppliers with occasional updates, while the tenth supplier sends bulk requests. */
export const followerRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS, SUPPLIERS), async (stage) => {
    await stage.warmUp();
    const { tokens, skuCount } = stage.database;
    const [bulkToken = '', ...followed] = tokens;
    const loading = { ...LOADED, tokens: [bulkToken] };
    const name = `${FOLLOWERS.toLocaleString('en')} followers`;
    const results = await eachRound(name, rounds, async () => {
      const alone = await stage.load(loading);
      const followers = await Followers.start({
        url: stage.server.url,
        tokens: followed,
        count: FOLLOWERS,
        updatesPerSecond: UPDATES_PER_SECOND,
        skuCount,
      });
      const beside = await stage.load(loading);
      return { alone, beside, followed: await followers.stop() };
    });
    const loads = results.map(({ beside }) => beside);
    const measured = results.map((result) => result.followed);
    const received = medianOf(measured, (t) => t.received);
    return [
      row(
        `${name}: delay, p99`,
        [medianOf(measured, (t) => t.p99Ms), 'ms'],
        DELAY_GOAL_MS,
        { atMost: 1 },
        `limit: the goal; p50 ${medianOf(measured, (t) => t.p50Ms)} ms from the time of the batch to the client; ${received} changes came`,
      ),
      row(
        `1,000 lines a request beside ${name}`,
        [medianOf(loads, (load) => load.linesPerSecond), 'lines/s'],
        medianOf(results, ({ alone }) => alone.linesPerSecond),
        { atLeast: 0.85 },
        conditionsOf(loads, 'limit: the same without followers'),
      ),
    ];
  });
