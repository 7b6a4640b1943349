import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Workplace } from '../cli/onhand.ts';
import { BULK, TestServer } from '../http/harness.ts';
import { Random } from '../random.ts';
import { entry, problemsOf } from '../store/fixtures.ts';

const SEED = 20_261_124;
const CLIENTS = 6;
const OWN_SKUS = 40;
const SHARED_SKUS = 15;
const IMPORTED_SKUS = 1_500;
const REQUESTS_MIN = 15;
/** Between the further requests of a client, so that the commands get a share of the processor. */
const PAUSE_MS = 25;

const own = (client: number) => Array.from({ length: OWN_SKUS }, (_, i) => `own-${client}-${i}`);
const shared = Array.from({ length: SHARED_SKUS }, (_, i) => `shared-${i}`);

test('concurrent clients on the same SKUs lose no update while commands import and change tokens', async () => {
  const [work, server] = await Promise.all([Workplace.make(), TestServer.start()]);
  try {
    const names = [...shared, ...Array.from({ length: CLIENTS }, (_, i) => own(i)).flat()];
    const { supplier, token } = await server.createSupplier(
      'Acme',
      names.map((name) => entry(name)),
    );
    const onhand = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await work.run([...args, '--database', server.database.url]);
      expect(code, stderr).toBe(0);
      return stdout.trim();
    };
    await writeFile(work.path('catalogue.csv'), catalogue());

    const calm = new AbortController();
    const acknowledged = new Map<string, number>();
    const client = async (number: number): Promise<void> => {
      const random = new Random(SEED + number);
      for (let request = 1; request <= REQUESTS_MIN || !calm.signal.aborted; request += 1) {
        const lines = linesOf(number, request, random);
        if (request > REQUESTS_MIN) await delay(PAUSE_MS);
        const answer = await server.ask('POST', BULK, { token, body: lines });
        expect(answer.status, `seed ${SEED}`).toBe(200);
        expect(answer.json).toEqual(lines.map(() => ({ status_code: 200, message: 'success' })));
        for (const { sku_id: name, quantity_in_stock: quantity } of lines) {
          if (name.startsWith('own')) acknowledged.set(name, quantity);
        }
      }
    };
    const commandLine = async (): Promise<void> => {
      try {
        await Promise.all([
          importTwice(onhand),
          changeTokens(onhand, async (made) => {
            const answer = await server.ask('POST', BULK, { token: made, body: [] });
            return answer.status;
          }),
        ]);
      } finally {
        calm.abort();
      }
    };
    await Promise.all([
      commandLine(),
      ...Array.from({ length: CLIENTS }, (_, number) => client(number)),
    ]);

    const held = await readStock(server, supplier.id);
    expect(held.size).toBe(names.length + IMPORTED_SKUS);
    for (const [name, quantity] of acknowledged) {
      expect(held.get(name), `${name} was answered 200 (seed ${SEED})`).toBe(quantity);
    }
    for (let i = 0; i < IMPORTED_SKUS; i += 1) expect(held.get(`imported-${i}`)).toBe(i);
    // No lost update, no gap in the sequence, and each change starts from the previous one.
    expect(await problemsOf(server.database)).toEqual([]);
  } finally {
    await server.stop();
    await work.remove();
  }
});

/** Also changes titles of SKUs that clients are writing, but not their stock. */
function catalogue(): string {
  const imported = Array.from({ length: IMPORTED_SKUS }, (_, i) => `imported-${i},New,${i}\n`);
  const touched = [...shared, ...own(0)].map((name) => `${name},Touched,\n`);
  return `sku_id,title,quantity_in_stock\n${imported.join('')}${touched.join('')}`;
}

/** Some of the client's own SKUs and all shared ones, in random order, some of them twice. */
function linesOf(client: number, request: number, random: Random) {
  const some = own(client).filter(() => random.chance(0.5));
  return [...some, ...shared, ...some.slice(0, 3)]
    .map((name) => ({ name, place: random.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ name }, i) => ({ sku_id: name, quantity_in_stock: request * 1_000 + i }));
}

type Onhand = (...args: readonly string[]) => Promise<string>;

async function importTwice(onhand: Onhand): Promise<void> {
  const args = ['import', 'catalogue.csv', '--supplier', 'Acme'];
  const first = await onhand(...args);
  expect(first).toMatch(new RegExp(`SKUs created +${IMPORTED_SKUS}\\n`));
  expect(first).toMatch(new RegExp(`SKUs updated +${SHARED_SKUS + OWN_SKUS}\\n`));
  const second = await onhand(...args);
  expect(second).toMatch(/SKUs created +0\n +SKUs updated +0\n/);
}

/** The server sees tokens that a command creates or revokes from its next request on. */
async function changeTokens(
  onhand: Onhand,
  statusFor: (token: string) => Promise<number>,
): Promise<void> {
  for (let round = 0; round < 1; round += 1) {
    const made = await onhand('token', 'create', '--organization', 'Acme');
    expect(await statusFor(made)).toBe(200);
    const ids = /^(\d+) .*\n?$/m.exec((await onhand('token', 'list')).split('\n').at(-1) ?? '');
    await onhand('token', 'revoke', ids?.[1] ?? '');
    expect(await statusFor(made)).toBe(401);
  }
}

async function readStock(server: TestServer, supplierId: number) {
  const held = new Map<string, number | null>();
  let afterUuid: string | null = null;
  for (let hasMore = true; hasMore;) {
    const page = await server.store.skus.list({
      supplierIds: [supplierId],
      filter: {},
      from: { afterUuid },
      limit: 500,
    });
    for (const sku of page.skus) held.set(sku.skuId, sku.inventory.quantityInStock);
    afterUuid = page.skus.at(-1)?.uuid ?? null;
    ({ hasMore } = page);
  }
  return held;
}
