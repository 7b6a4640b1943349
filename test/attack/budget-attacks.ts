import { afterEach, describe, expect, test } from 'vitest';
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
const RETAILER_CONNECTIONS = 1;

/** The attacks of one organization on what all share, with a second tenant who works meanwhile. */
export function defineBudgetAttacks(sizes: AttackSizes): void {
  let server: AttackedServer<Tenant> | undefined;
  let floods: Flood[] = [];

  afterEach(async () => {
    for (const flood of floods) flood.close();
    floods = [];
    await server?.stop();
    server = undefined;
  });

  const start = async (skus = 0): Promise<AttackedServer<Tenant>> => {
    server = await AttackedServer.start({
      environment: sizes.environment,
      prepare: (store) => createTenant(store, 'Attacker', { skus }),
    });
    return server;
  };

  const flood = async (url: string, count: number, text: string): Promise<Flood> => {
    const sent = await Flood.send(url, count, text);
    floods.push(sent);
    return sent;
  };

  describe('requests that arrive a byte at a time', () => {
    test.for([
      ['uploads', `${FILES}upload/`, sizes.uploads, sizes.limits.uploads],
      ['new webhooks', WEBHOOKS, sizes.slowBodies, sizes.limits.openRequests],
    ] as const)(
      '%s are refused beyond the budget of the organization, and the others cut off',
      { timeout: sizes.timeoutMs },
      async ([name, path, count, limit]) => {
        const { url, prepared, secondTenant } = await start();
        const before = await secondTenant.before();
        const head = headOf('POST', path, prepared.token, 'Content-Length: 60000');
        const attack = async () => (await flood(url, count, `${head}{`)).statuses();
        const { result: statuses, latencies } = await secondTenant.during(attack());
        report(printLatencies(`${count} slow ${name}`, before, latencies));
        expect(statuses.get(429)).toBe(count - limit);
        expect(statuses.get(408)).toBe(limit);
        expectIsolated(latencies, sizes.p99MsMax);
      },
    );
  });

  test(
    'streams of changes of one organization leave room for those of another',
    { timeout: sizes.timeoutMs },
    async () => {
      const attacked = await AttackedServer.start({
        environment: sizes.environment,
        prepare: async (store) => ({
          attacker: await createTenant(store, 'Attacker', { type: 'retailer' }),
          other: await createTenant(store, 'Other retailer', { type: 'retailer' }),
        }),
      });
      try {
        const { attacker, other } = attacked.prepared;
        const before = await attacked.secondTenant.before();
        const head = (token: string): string =>
          headOf('GET', `${CHANGES}?from=now`, token, 'Accept: text/event-stream');
        const attack = async () => {
          const followers = await flood(attacked.url, sizes.followers, head(attacker.token));
          return followers.statuses();
        };
        const { result: statuses, latencies } = await attacked.secondTenant.during(attack());
        report(printLatencies(`${sizes.followers} streams of changes`, before, latencies));
        expect(statuses.get(200)).toBe(sizes.limits.followers);
        expect(statuses.get(429)).toBe(sizes.followers - sizes.limits.followers);
        const others = await flood(attacked.url, RETAILER_CONNECTIONS, head(other.token));
        expect(await others.statuses()).toEqual(new Map([[200, RETAILER_CONNECTIONS]]));
        expectIsolated(latencies, sizes.p99MsMax);
      } finally {
        for (const sent of floods) sent.close();
        await attacked.stop();
      }
    },
  );

  describe('replies that are not read', () => {
    test(
      'downloads of results hold a bounded amount of memory, which is released',
      { timeout: sizes.timeoutMs },
      async () => {
        const { url, prepared, secondTenant, nodes } = await start(1);
        const uuid = await uploadFile(url, prepared.token, sizes.rows);
        const head = headOf('GET', `${FILES}${uuid}/results.csv`, prepared.token);
        const before = await secondTenant.before();
        const beforeMib = nodes[0]?.residentMib() ?? 0;
        const attack = async (): Promise<void> => {
          await flood(url, sizes.downloads, head);
          await expect.poll(() => openRequests(url), { timeout: sizes.timeoutMs }).toBe(0);
        };
        const { latencies } = await secondTenant.during(attack());
        const growthMib = (nodes[0]?.residentMib() ?? 0) - beforeMib;
        report(printLatencies(`${sizes.downloads} unread downloads`, before, latencies), growthMib);
        expectIsolated(latencies, sizes.p99MsMax);
        expect(growthMib).toBeLessThan(sizes.growthMibMax);
      },
    );

    test(
      'pages of changes hold a bounded amount of memory, which is released',
      { timeout: sizes.timeoutMs },
      async () => {
        const { url, prepared, secondTenant, nodes } = await start(sizes.changesPerPage);
        await changeAll(url, prepared);
        const head = headOf(
          'GET',
          `${CHANGES}?from=start&limit=${sizes.changesPerPage}`,
          prepared.token,
        );
        const before = await secondTenant.before();
        const beforeMib = nodes[0]?.residentMib() ?? 0;
        const attack = async (): Promise<void> => {
          await flood(url, sizes.pages, head);
          await expect.poll(() => openRequests(url), { timeout: sizes.timeoutMs }).toBe(0);
        };
        const { latencies } = await secondTenant.during(attack());
        const growthMib = (nodes[0]?.residentMib() ?? 0) - beforeMib;
        report(printLatencies(`${sizes.pages} unread pages`, before, latencies), growthMib);
        expectIsolated(latencies, sizes.p99MsMax);
        expect(growthMib).toBeLessThan(sizes.growthMibMax);
      },
    );
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
  const lines = Array.from({ length: rows }, (_, i) => `sku-0,${i},${note}`);
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
function report(figures: string, growthMib?: number): void {
  if (process.env['ATTACK_REPORT'] === undefined) return;
  const memory = growthMib === undefined ? '' : `; resident memory +${growthMib.toFixed(0)} MiB`;
  process.stderr.write(`${figures}${memory}\n`);
}
