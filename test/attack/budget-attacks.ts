import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { at } from '../http/answers.ts';
import { AttackedServer, createTenant, type Tenant } from './attacked-server.ts';
import { Flood } from './flood.ts';
import { expectIsolated, printLatencies } from './second-tenant.ts';

export interface AttackSizes {
  readonly uploads: number;
  readonly slowBodies: number;
  readonly followers: number;
  readonly downloads: number;
  readonly pages: number;
  /** Rows of the file that is downloaded, of about 1 KB each. */
  readonly rows: number;
  /** Changes of each page, of about 400 bytes each. */
  readonly changesPerPage: number;
  /** SQLite if not given. */
  readonly kind?: 'sqlite' | 'postgres';
  /** How many processes serve; the attack is on the first. */
  readonly nodes?: number;
  /** Limits of the server; its defaults if there are none. */
  readonly environment: Record<string, string>;
  readonly limits: {
    readonly openRequests: number;
    readonly followers: number;
    readonly uploads: number;
  };
  /** By how much the resident memory may grow, in MiB. */
  readonly growthMibMax: number;
  /** The most that the second tenant waits. */
  readonly p99MsMax: number;
  readonly timeoutMs: number;
}

const FILES = '/timp/organizations/files/';
const CHANGES = '/timp/products/skus/inventory/changes/';
const BULK = '/timp/products/skus/inventory/bulk/';
const WEBHOOKS = '/timp/notifications/webhooks/';

interface Tenants {
  readonly attacker: Tenant;
  readonly attackingRetailer: Tenant;
  readonly retailer: Tenant;
}

/** The attacks of one organization on what all share, with a second tenant who works meanwhile. */
export function defineBudgetAttacks(sizes: AttackSizes): void {
  const { environment, growthMibMax, p99MsMax, timeoutMs: timeout } = sizes;
  let server: AttackedServer<Tenants>;
  let floods: Flood[] = [];

  beforeAll(async () => {
    server = await AttackedServer.start({
      environment,
      ...(sizes.kind !== undefined && { kind: sizes.kind }),
      ...(sizes.nodes !== undefined && { nodes: sizes.nodes }),
      prepare: async (store) => ({
        attacker: await createTenant(store, 'Attacker', { skus: sizes.changesPerPage }),
        attackingRetailer: await createTenant(store, 'Attacking retailer', { type: 'retailer' }),
        retailer: await createTenant(store, 'Retailer', { type: 'retailer' }),
      }),
    });
    await changeAll(server.url, server.prepared.attacker);
  }, timeout);
  afterAll(() => server.stop());
  afterEach(() => {
    for (const flood of floods) flood.close();
    floods = [];
  });

  const flood = async (count: number, text: string): Promise<Flood> => {
    const sent = await Flood.send(server.url, count, text);
    floods.push(sent);
    return sent;
  };

  /** Runs an attack, and checks that the second tenant notices nothing and that memory stays bounded. */
  const contained = async <T>(name: string, attack: () => Promise<T>): Promise<T> => {
    const { secondTenant, nodes } = server;
    const before = await secondTenant.before();
    for (const node of nodes) node.resetPeak();
    const beforeMib = server.residentMib();
    const { result, latencies } = await secondTenant.during(attack());
    const growthMib = server.residentMib() - beforeMib;
    report(printLatencies(name, before, latencies), growthMib);
    expectIsolated(latencies, p99MsMax);
    expect(growthMib).toBeLessThan(growthMibMax);
    return result;
  };

  /** Sends requests whose replies are not read, and waits until the server has cut them off. */
  const unread = async (name: string, count: number, head: string): Promise<void> => {
    await contained(name, async () => {
      await flood(count, head);
      await expect.poll(() => openRequests(server.url), { timeout }).toBe(0);
    });
  };

  describe('requests that arrive a byte at a time', () => {
    test.for([
      ['uploads', `${FILES}upload/`, sizes.uploads, sizes.limits.uploads],
      ['new webhooks', WEBHOOKS, sizes.slowBodies, sizes.limits.openRequests],
    ] as const)(
      '%s are refused beyond the budget of the organization, and the others cut off',
      { timeout },
      async ([name, path, count, limit]) => {
        const { token } = server.prepared.attacker;
        const head = headOf('POST', path, token, 'Content-Length: 60000');
        const statuses = await contained(`${count} slow ${name}`, async () =>
          (await flood(count, `${head}{`)).statuses(),
        );
        expect(statuses.get(429)).toBe(count - limit);
        expect(statuses.get(408)).toBe(limit);
      },
    );
  });

  test(
    'streams of changes of one organization leave room for those of another',
    { timeout },
    async () => {
      const { attackingRetailer, retailer } = server.prepared;
      const statuses = await contained(`${sizes.followers} streams of changes`, async () =>
        (await flood(sizes.followers, followingHead(attackingRetailer.token))).statuses(),
      );
      expect(statuses.get(200)).toBe(sizes.limits.followers);
      expect(statuses.get(429)).toBe(sizes.followers - sizes.limits.followers);
      const others = await flood(1, followingHead(retailer.token));
      expect(await others.statuses()).toEqual(new Map([[200, 1]]));
    },
  );

  describe('replies that are not read hold a bounded amount of memory, which is released:', () => {
    test('downloads of results', { timeout }, async () => {
      const { token } = server.prepared.attacker;
      const uuid = await uploadFile(server.url, token, sizes.rows);
      const head = headOf('GET', `${FILES}${uuid}/results.csv`, token);
      await unread(`${sizes.downloads} unread downloads`, sizes.downloads, head);
    });

    test('pages of changes', { timeout }, async () => {
      const path = `${CHANGES}?from=start&limit=${sizes.changesPerPage}`;
      const head = headOf('GET', path, server.prepared.attacker.token);
      await unread(`${sizes.pages} unread pages`, sizes.pages, head);
    });
  });
}

function headOf(method: string, path: string, token: string, header = 'Accept: */*'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n${header}\r\n\r\n`;
}

/** The open requests by `/readyz`, without those of the second tenant, which come one at a time. */
async function openRequests(url: string): Promise<number> {
  const response = await fetch(`${url}/readyz`);
  const used = at(await response.json(), 'usage', 'open_requests', 'used');
  return Math.max(0, Number(used) - 1);
}

/** Uploads a file of rows with a long column, and waits until it is processed. */
async function uploadFile(url: string, token: string, rows: number): Promise<string> {
  const note = 'x'.repeat(1000);
  const lines = Array.from({ length: rows }, () => `sku-0,1,${note}`);
  const authorization = `Token ${token}`;
  const uploaded = await fetch(`${url}${FILES}upload/`, {
    method: 'POST',
    headers: { authorization },
    body: `sku_id,quantity_in_stock,note\n${lines.join('\n')}\n`,
  });
  const uuid = String(at(await uploaded.json(), 'uuid'));
  for (;;) {
    const shown = await fetch(`${url}${FILES}${uuid}/?wait=30`, { headers: { authorization } });
    const state = at(await shown.json(), 'state');
    if (state === 'done') return uuid;
    if (state !== 'waiting' && state !== 'running') throw new Error(`the file is ${String(state)}`);
  }
}

async function changeAll(url: string, { token, skuIds }: Tenant): Promise<void> {
  const response = await fetch(`${url}${BULK}?errors_only=true`, {
    method: 'POST',
    headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(skuIds.map((skuId) => ({ sku_id: skuId, quantity_in_stock: 1 }))),
  });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
}

/** The figures of the long attacks go into the closing note. */
function report(figures: string, growthMib: number): void {
  if (process.env['ATTACK_REPORT'] === undefined) return;
  process.stderr.write(`${figures}; resident memory +${growthMib.toFixed(0)} MiB\n`);
}

function followingHead(token: string): string {
  return headOf('GET', `${CHANGES}?from=now`, token, 'Accept: text/event-stream');
}
