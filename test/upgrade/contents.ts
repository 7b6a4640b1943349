/** What every upgrade fixture contains, and how it is read. */
import { type Static, Type } from 'typebox';
import { hashPassword, hashToken, newToken } from '../../src/accounts/credentials.ts';
import { PERMISSIONS_OF_TYPE } from '../../src/domain/parties.ts';
import type { RunningServer } from '../../src/server.ts';
import { entry, importSkus } from '../store/fixtures.ts';

type Role = 'operator' | 'supplier' | 'retailer';

/** The tokens of a fixture. They open nothing but its database. */
type UpgradeTokens = Readonly<Record<Role, string>>;

/** What a version answers about its own database. */
export const UpgradeReadsSchema = Type.Object({
  tokens: Type.Object({
    operator: Type.String(),
    supplier: Type.String(),
    retailer: Type.String(),
  }),
  reads: Type.Array(
    Type.Object({
      role: Type.String(),
      path: Type.String(),
      status: Type.Integer(),
      json: Type.Unknown(),
    }),
  ),
});
export type UpgradeReads = Static<typeof UpgradeReadsSchema>;

const INVENTORY = '/timp/products/skus/inventory/';
const FILES = '/timp/organizations/files/';
const WEBHOOKS = '/timp/notifications/webhooks/';
/** A user of the supplier. */
export const CLERK = { username: 'clerk', password: 'correct horse battery staple' };
/** A port of which nothing answers. */
const RECEIVER = 'http://127.0.0.1:9/hook';

/**
 * Fills an empty database: something of everything that a database stores.
 *
 * @param withFile whether to upload a file too, which needs a directory for files
 */
export async function fill(
  { url, store }: RunningServer,
  { withFile = true } = {},
): Promise<UpgradeTokens> {
  const { accounts } = store;
  const tokens = { operator: newToken(), supplier: newToken(), retailer: newToken() };
  const ids: Record<string, number> = {};
  for (const [type, name] of [
    ['operator', 'Depot'],
    ['supplier', 'Acme'],
    ['retailer', 'Shop'],
  ] as const) {
    const { id } = await accounts.createOrganization({ type, name });
    ids[type] = id;
    const user = await accounts.findServiceUser(id);
    const [tokenHash, permissions] = [hashToken(tokens[type]), PERMISSIONS_OF_TYPE[type]];
    await accounts.createToken({ userId: user.id, tokenHash, permissions, expiresAtMs: null });
  }
  const supplierId = ids['supplier'] ?? 0;
  await accounts.createConnection(supplierId, ids['retailer'] ?? 0);
  await accounts.createUser({
    organizationId: supplierId,
    username: CLERK.username,
    passwordHash: await hashPassword(CLERK.password),
    permissions: PERMISSIONS_OF_TYPE.supplier,
  });
  await store.batches.setSafetyLimit(supplierId, { percentMax: 80, skusMin: 10 });
  await store.changes.setExpectedInterval(supplierId, 60);
  await importSkus(store, supplierId, [
    entry('A-1', { product: { title: 'Kettle', upca: '012345678905', condition: 'new' } }),
    entry('A-2', { product: { title: 'Pän', ean13: '4006381333931' } }),
    entry('A-3', {
      product: { title: 'Book', isbn: '9780306406157' },
      inventory: { quantityInStock: 3 },
    }),
    ...Array.from({ length: 20 }, (_, i) => entry(`B-${i}`, { inventory: { quantityInStock: i } })),
  ]);

  const send = sender(url, tokens);
  await send('operator', 'POST', '/timp/organizations/', { type: 'supplier', name: 'Bolt' });
  await send('retailer', 'POST', WEBHOOKS, { url: RECEIVER, description: 'Stock of the shop' });
  await send('supplier', 'POST', `${INVENTORY}bulk/`, [
    {
      sku_id: 'A-1',
      quantity_in_stock: 512,
      quantity_on_backorder: 12,
      backorder_date: '2031-01-31',
    },
    { upca: '012345678905', quantity_in_stock: 511 },
    { sku_id: 'NONE', quantity_in_stock: 1 },
    { sku_id: 'A-2', restrictions: 1, quantity_in_stock: 7 },
  ]);
  const undone = await send('supplier', 'POST', `${INVENTORY}bulk/`, [
    { sku_id: 'B-1', quantity_in_stock: 0 },
    { sku_id: 'B-2', quantity_in_stock: 0 },
  ]);
  await send('supplier', 'POST', `${INVENTORY}batches/${batchOf(undone)}/revert/`, {});
  await send('supplier', 'POST', INVENTORY, { sku_id: 'A-3', quantity_in_stock: 4 });
  await send('supplier', 'POST', '/timp/products/skus/', { sku_id: 'C-1', title: 'Created' });
  await send('supplier', 'PATCH', `${FILES}settings/`, { strict: true });
  if (!withFile) return tokens;
  const form = new FormData();
  form.set('file', new Blob(['sku_id;quantity_in_stock\nB-5;55\nB-6;66\nNONE;1\n']), 'stock.csv');
  await send('supplier', 'POST', `${FILES}upload/`, form);
  while (!JSON.stringify((await send('supplier', 'GET', FILES)).json).includes('"done"')) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return tokens;
}

/** What is asked of a fixture: members that depend on the time of asking are not compared. */
const READS: readonly (readonly [role: Role, path: string])[] = [
  ['supplier', '/timp/products/skus/?limit=100'],
  ['supplier', `${INVENTORY}changes/?from=start&limit=100`],
  ['supplier', `${INVENTORY}batches/`],
  ['supplier', FILES],
  ['supplier', `${FILES}settings/`],
  ['retailer', WEBHOOKS],
  ['retailer', '/timp/products/skus/?limit=100'],
  ['retailer', `${INVENTORY}changes/?from=start&limit=100`],
  ['retailer', '/timp/suppliers/'],
  ['operator', '/timp/organizations/'],
  ['operator', '/timp/organizations/connections/'],
];

/** Asks everything that is compared. */
export async function readAll(url: string, tokens: UpgradeTokens): Promise<UpgradeReads> {
  const send = sender(url, tokens);
  const reads: UpgradeReads['reads'] = [];
  for (const [role, path] of READS) {
    const { status, json } = await send(role, 'GET', path);
    reads.push({ role, path, status, json });
  }
  return { tokens, reads };
}

function sender(url: string, tokens: UpgradeTokens) {
  return async (role: Role, method: string, path: string, body?: object) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Token ${tokens[role]}`,
        ...(body !== undefined &&
          !(body instanceof FormData) && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    const json: unknown = text === '' ? null : JSON.parse(text);
    return { status: response.status, headers: response.headers, json };
  };
}

function batchOf({ headers }: { readonly headers: Headers }): string {
  return headers.get('batch-id') ?? '';
}
