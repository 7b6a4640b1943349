import { PostgresProcess } from '../test/durability/postgres-process.ts';
import { ServerProcess } from '../test/durability/server-process.ts';
import { openStore } from '../src/databases.ts';
import { readSettings } from '../src/settings/read.ts';
import { runOnPostgres } from './bare-postgres.ts';
import { addTokens, skuIdOf } from './catalogue.ts';
import { runLoad, type LoadPlan } from './load.ts';
import { showProgress } from './support.ts';
import { SERVER_SETTINGS } from './postgres-rows.ts';
import { conditionsOf, eachRound, medianOf, row, type BenchRow, type Row } from './stage.ts';
import { median } from './support.ts';

const SMALL_CATALOGUE = 10_000;
const READS = 200;
const PAGE_SKUS = 100;

interface Catalogue {
  readonly token: string;
  readonly skuCount: number;
}

const WRITES: readonly {
  readonly name: string;
  readonly plan: Pick<LoadPlan, 'connections' | 'linesPerRequest' | 'single'>;
  readonly lines: number;
}[] = [
  {
    name: '1,000 lines a request',
    plan: { connections: 8, linesPerRequest: 1000 },
    lines: 200_000,
  },
  {
    name: 'single updates',
    plan: { connections: 64, linesPerRequest: 1, single: true },
    lines: 20_000,
  },
];

/** Queries, by the index of a SKU in the catalogue. */
const READS_BY_INDEX: Readonly<Record<string, (index: number) => string>> = {
  'a SKU by sku_id': (index) => `?sku_id=${skuIdOf(index)}`,
  'a SKU by EAN-13': (index) => `?ean13=${ean13Of(index)}`,
  'a page anywhere in the list': (index) => `?limit=${PAGE_SKUS}&start=${index}`,
};

/** A large supplier compared with a small one in the same PostgreSQL database. */
export function postgresSizeRows(skuCount: number): BenchRow {
  return async (rounds) => {
    const server = await PostgresProcess.start({ isDurable: true, settings: SERVER_SETTINGS });
    try {
      const url = server.url('postgres');
      const [small, large] = await fill(url, [SMALL_CATALOGUE, skuCount]);
      if (small === undefined || large === undefined) throw new Error('there are no catalogues');
      const node = await ServerProcess.start({ url, remove: () => Promise.resolve() });
      try {
        return await measureAll(node.url, small, large, rounds);
      } finally {
        await node.stop();
      }
    } finally {
      await server.remove();
    }
  };
}

async function fill(url: string, counts: readonly number[]): Promise<readonly Catalogue[]> {
  const store = await openStore(url, readSettings());
  for (const [i, count] of counts.entries()) {
    showProgress(`creating ${count} SKUs on PostgreSQL`);
    const { id } = await store.accounts.createOrganization({ type: 'supplier', name: `Size ${i}` });
    await runOnPostgres(url, fillingSql(id, count));
  }
  await store.close();
  await runOnPostgres(url, ['VACUUM ANALYZE', 'CHECKPOINT']);
  const { tokens } = await addTokens(url);
  return counts.map((skuCount, i) => ({ skuCount, token: tokens[i] ?? '' }));
}

/** SKUs with EAN-13s, as if created by one batch. */
function fillingSql(supplierId: number, count: number): readonly string[] {
  const numbers = `generate_series(1, ${count}) AS n`;
  return [
    `INSERT INTO skus (supplier_id, sku_number, sku_id, uuid, item_uuid, ean13, created_at_ms)
       SELECT ${supplierId}, n, '${skuIdOf(0).slice(0, -1)}' || n - 1, gen_random_uuid(),
         gen_random_uuid(), ${EAN13_SQL}, 1 FROM ${numbers}`,
    `INSERT INTO gtins SELECT ${supplierId}, ${EAN13_SQL}, n FROM ${numbers}`,
    `INSERT INTO inventory (supplier_id, sku_number, quantity_in_stock, last_sequence, updated_at_ms)
       SELECT ${supplierId}, n, 1, n, 1 FROM ${numbers}`,
    `INSERT INTO changes (supplier_id, sequence, sku_number, previous_sequence, batch_number,
         after_quantity_in_stock)
       SELECT ${supplierId}, n, n, 0, 1, 1 FROM ${numbers}`,
    `INSERT INTO batches (supplier_id, number, uuid, source, applied_at_ms, line_count,
         changed_count, first_sequence)
       VALUES (${supplierId}, 1, gen_random_uuid(), 'import', 1, ${count}, ${count}, 1)`,
    `UPDATE suppliers SET sku_count = ${count}, live_count = ${count}, last_sequence = ${count},
       last_batch_number = 1 WHERE id = ${supplierId}`,
  ];
}

const EAN13_BASE = 400_000_000_000;
const EAN13_DIGITS = 12;

function ean13Of(index: number): string {
  const body = String(EAN13_BASE + index);
  const sum = body
    .split('')
    .reduce((total, digit, i) => total + Number(digit) * (i % 2 === 0 ? 1 : 3), 0);
  return `${body}${(10 - (sum % 10)) % 10}`;
}

/** The same for the SKU with the number `n`, whose index is `n - 1`. */
const EAN13_SQL = (() => {
  const body = `(${EAN13_BASE}::bigint + n - 1)`;
  const terms = Array.from({ length: EAN13_DIGITS }, (_, i) => {
    const weight = i % 2 === 0 ? 1 : 3;
    return `${weight} * (${body} / ${10 ** (EAN13_DIGITS - 1 - i)} % 10)`;
  });
  return `(${body} * 10 + (10 - (${terms.join(' + ')}) % 10) % 10)`;
})();

async function measureAll(
  url: string,
  small: Catalogue,
  large: Catalogue,
  rounds: number,
): Promise<readonly Row[]> {
  const sizes = `${large.skuCount.toLocaleString('en')} SKUs beside ${small.skuCount.toLocaleString('en')} on PostgreSQL`;
  const rows: Row[] = [];
  for (const { name, plan, lines } of WRITES) {
    const load = ({ token, skuCount }: Catalogue) => {
      const requests = lines / plan.linesPerRequest;
      return runLoad({ ...plan, url, tokens: [token], skuCount, requests });
    };
    await load(small);
    await load(large);
    const results = await eachRound(name, rounds, async () => ({
      limit: (await load(small)).linesPerSecond,
      load: await load(large),
    }));
    const loads = results.map((result) => result.load);
    rows.push(
      row(
        `${sizes}: ${name}`,
        [medianOf(loads, ({ linesPerSecond }) => linesPerSecond), 'lines/s'],
        medianOf(results, ({ limit }) => limit),
        { atLeast: 0.5 },
        conditionsOf(loads, 'limit: the small supplier'),
      ),
    );
  }
  for (const [name, queryOf] of Object.entries(READS_BY_INDEX)) {
    await readMs(url, large, queryOf);
    const results = await eachRound(name, rounds, async () => ({
      limit: await readMs(url, small, queryOf),
      took: await readMs(url, large, queryOf),
    }));
    rows.push(
      row(
        `${sizes}: ${name}`,
        [medianOf(results, ({ took }) => took), 'ms'],
        medianOf(results, ({ limit }) => limit),
        { atMost: 2 },
        `medians of ${READS} requests, one after another; limit: the small supplier`,
      ),
    );
  }
  return rows;
}

/** The median latency of reads at random indexes. */
async function readMs(
  url: string,
  { token, skuCount }: Catalogue,
  queryOf: (index: number) => string,
): Promise<number> {
  const tookMs: number[] = [];
  for (let i = 0; i < READS; i += 1) {
    const index = Math.floor(Math.random() * (skuCount - PAGE_SKUS));
    const startedMs = performance.now();
    const reply = await fetch(`${url}/timp/products/skus/${queryOf(index)}`, {
      headers: { authorization: `Token ${token}` },
    });
    const text = await reply.text();
    tookMs.push(performance.now() - startedMs);
    if (reply.status !== 200 || !text.includes('BENCH-SKU')) {
      throw new Error(`${queryOf(index)} returned ${reply.status}: ${text.slice(0, 200)}`);
    }
  }
  return median(tookMs);
}
