import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import type { Store } from '../../src/store/store.ts';
import { Random } from '../random.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  type TestDatabase,
} from '../store/fixtures.ts';
import { ServerProcess } from './server-process.ts';

const CLIENTS = 4;
const SKUS_OF_CLIENT = 300;
/** SKUs that all clients write, for the invariants, which hold whichever client wins. */
const SHARED_SKUS = 50;
const KILL_WITHIN_MS = 40;

/** One client, and what it knows about the SKUs that only it writes. */
interface Client {
  readonly name: string;
  /** Per SKU, the value that was acknowledged last. */
  readonly acknowledged: Map<string, number>;
  /** The batch that was sent and not answered: applied completely or not at all. */
  inFlight: Map<string, number>;
}

/** A database with a supplier, its SKUs and a token, whose server is killed repeatedly. */
export interface KillTarget {
  readonly database: TestDatabase;
  readonly supplierId: number;
  readonly token: string;
  readonly clients: readonly Client[];
  /** The last value sent, across clients and rounds. Values only grow. */
  lastValue: number;
}

export async function prepareKillTarget(
  database: TestDatabase,
  supplier = 'Acme',
): Promise<KillTarget> {
  const store = await openTestStore(database);
  try {
    const supplierId = await createSupplier(store, supplier);
    const user = await store.accounts.findServiceUser(supplierId);
    const token = newToken();
    await store.accounts.createToken({
      userId: user.id,
      tokenHash: hashToken(token),
      permissions: ['view_items', 'edit_items'],
      expiresAtMs: null,
    });
    const clients = Array.from({ length: CLIENTS }, (_, i): Client => {
      return { name: `client${i}`, acknowledged: new Map(), inFlight: new Map() };
    });
    const names = clients.flatMap(({ name }) => ownSkus(name, SKUS_OF_CLIENT));
    await importSkus(
      store,
      supplierId,
      [...names, ...ownSkus('shared', SHARED_SKUS)].map((name) => entry(name)),
    );
    return { database, supplierId, token, clients, lastValue: 0 };
  } finally {
    await store.close();
  }
}

function ownSkus(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`);
}

/**
 * One round: a server under load from several clients is killed at a random moment; then every line
 * that was answered 200 must be there, a batch without an answer wholly or not at all, and the
 * database must obey its invariants. Returns the number of acknowledged lines.
 */
export async function killRound(target: KillTarget, random: Random): Promise<number> {
  const server = await ServerProcess.start(target.database);
  const requestsBeforeKill = 1 + random.below(30);
  let answered = 0;
  let lines = 0;
  let killed: Promise<void> | undefined;
  const kill = async (): Promise<void> => {
    await delay(random.below(KILL_WITHIN_MS));
    await server.kill();
  };
  await Promise.all(
    target.clients.map(async (client) => {
      for (;;) {
        const answer = await sendBatch(server.url, target, client, random);
        expect(answer).not.toBe('unavailable');
        if (answer === 'lost') return;
        answered += 1;
        lines += acknowledge(client);
        if (answered >= requestsBeforeKill) killed ??= kill();
      }
    }),
  );
  await killed;
  await expectNothingLost(target);
  return lines;
}

/** Records the batch in flight as applied; returns its number of lines. */
export function acknowledge(client: Client): number {
  const lineCount = client.inFlight.size;
  for (const [name, value] of client.inFlight) client.acknowledged.set(name, value);
  client.inFlight = new Map();
  return lineCount;
}

/**
 * Sends one batch: `lost` is a server that answers no more, `unavailable` a 503, which may come too late
 * for a batch that was applied.
 */
export async function sendBatch(
  url: string,
  target: KillTarget,
  client: Client,
  random: Random,
): Promise<'applied' | 'unavailable' | 'lost'> {
  const own = ownSkus(client.name, SKUS_OF_CLIENT).filter(() => random.chance(random.next()));
  client.inFlight = new Map(own.map((name) => [name, (target.lastValue += 1)]));
  const lines = [
    ...client.inFlight,
    ...ownSkus('shared', SHARED_SKUS).map((name) => [name, random.below(1000)] as const),
  ].map(([name, value]) => ({ sku_id: name, quantity_in_stock: value }));
  try {
    const response = await fetch(`${url}/timp/products/skus/inventory/bulk/`, {
      method: 'POST',
      headers: { Authorization: `Token ${target.token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(lines),
    });
    const results: unknown = await response.json();
    if (response.status === 503) return 'unavailable';
    expect(response.status).toBe(200);
    expect(results).toEqual(lines.map(() => ({ status_code: 200, message: 'success' })));
    return 'applied';
  } catch (error) {
    if (error instanceof TypeError) return 'lost';
    throw error;
  }
}

/** What was answered is there, what was not wholly or not at all, and the database obeys its invariants. */
export async function expectNothingLost(target: KillTarget): Promise<void> {
  const store = await openTestStore(target.database);
  try {
    const held = await readQuantities(store, target.supplierId);
    for (const client of target.clients) {
      const landed = [...client.inFlight].filter(([name, value]) => held.get(name) === value);
      expect([0, client.inFlight.size], 'a batch is there wholly or not at all').toContain(
        landed.length,
      );
      for (const [name, value] of landed) client.acknowledged.set(name, value);
      client.inFlight = new Map();
      for (const [name, value] of client.acknowledged) {
        expect(held.get(name), `${name} was answered 200`).toBe(value);
      }
    }
  } finally {
    await store.close();
  }
  expect(await problemsOf(target.database)).toEqual([]);
}

async function readQuantities(
  store: Store,
  supplierId: number,
): Promise<Map<string, number | null>> {
  const held = new Map<string, number | null>();
  let afterUuid: string | null = null;
  for (let hasMore = true; hasMore;) {
    const page = await store.skus.list({
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
