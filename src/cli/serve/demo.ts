import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { hashPassword, hashToken } from '../../accounts/credentials.ts';
import { DEFAULT_PORT } from '../../config.ts';
import { PERMISSIONS_OF_TYPE, type DemoLogin } from '../../domain/parties.ts';
import type { RunningServer } from '../../server.ts';
import type { AccountStore, Store } from '../../store/store.ts';
import { stopSignal, type CommandContext } from '../context.ts';
import { demoCatalogue } from './demo-catalogue.ts';

/** The token of the public sample request. It is valid in a demo only, and a demo listens on loopback only. */
const DEMO_TOKEN = '1083e3ec5c40b36fd663ba925bc8d864061463e2';
const BULK_PATH = '/timp/products/skus/inventory/bulk/';
const DEMO_SUPPLIER = 'Demo Supplier';
/** Expected to report every hour, but it never did: shows what a retailer sees then. */
const LATE_SUPPLIER = 'Late Supplier';
const EXPECTED_MINUTES = 60;
const LOOPBACK = '127.0.0.1';
/** The password of every user of a demo. */
const DEMO_PASSWORD = 'demo';
const DEMO_USERS = [
  { username: 'clerk', organization: DEMO_SUPPLIER, type: 'supplier' },
  { username: 'buyer', organization: 'Demo Retailer', type: 'retailer' },
  { username: 'operator', organization: 'Demo Operator', type: 'operator' },
] as const satisfies readonly Omit<DemoLogin, 'password'>[];

const SAMPLE_REQUEST = [
  { quantity_in_stock: 512, sku_id: 'xkuOwSQ3utl' },
  { quantity_in_stock: 101, quantity_on_backorder: 12, sku_id: '2mNh6Gvwgl7LjmZj' },
  { quantity_in_stock: 13, sku_id: 'NON-EXISTENT' },
];

export function demoCommand(context: CommandContext): Command {
  return new Command('demo')
    .description(
      'Starts a server on loopback with a temporary database that contains a demo supplier and its SKUs, ' +
        'sends it a sample request, prints the response, and serves until Ctrl-C.',
    )
    .addHelpText('after', '\nExample:\n  onhand demo')
    .action(async () => {
      const stopped = stopSignal();
      const folder = await mkdtemp(join(tmpdir(), 'onhand-demo-'));
      try {
        const server = await startOnFreePort(context, `sqlite:${join(folder, 'onhand.db')}`);
        try {
          const skuCount = await fillDemo(server.store);
          context.print(
            `\n${bold('onhand demo', context)}: ${server.url} serves ${DEMO_SUPPLIER} with ${skuCount} SKUs, from a temporary database.`,
          );
          await showSample(context, server.url);
          if (server.dashboardUrl !== null) {
            context.print(`\n${bold('The dashboard', context)} is at ${server.dashboardUrl}`);
          }
          await stopped;
        } finally {
          await server.close();
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
      context.print('\nStopped; the temporary database was deleted.');
    });
}

function bold(text: string, { stdout: stream }: CommandContext): string {
  return styleText('bold', text, { stream });
}

const PORTS_TRIED = 100;

async function startOnFreePort(context: CommandContext, database: string): Promise<RunningServer> {
  const { startServer } = await import('../../server.ts');
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + PORTS_TRIED; port += 1) {
    try {
      return await startServer(
        context.settings({ database, port, host: LOOPBACK, logLevel: 'error' }),
        undefined,
        DEMO_USERS.map((user) => ({ ...user, password: DEMO_PASSWORD })),
      );
    } catch (error) {
      if (!isPortTaken(error)) throw error;
      context.print(`Port ${port} is in use, trying ${port + 1}.`);
    }
  }
  throw new Error(
    `All ports from ${DEFAULT_PORT} to ${DEFAULT_PORT + PORTS_TRIED - 1} are in use.`,
  );
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

async function fillDemo(store: Store): Promise<number> {
  const { accounts } = store;
  const { id: supplierId } = await accounts.createOrganization({
    type: 'supplier',
    name: DEMO_SUPPLIER,
  });
  const serviceUser = await accounts.findServiceUser(supplierId);
  await accounts.createToken({
    userId: serviceUser.id,
    tokenHash: hashToken(DEMO_TOKEN),
    permissions: PERMISSIONS_OF_TYPE.supplier,
    expiresAtMs: null,
  });
  const entries = demoCatalogue();
  await store.applyCatalogue({
    supplierId,
    source: 'import',
    userId: null,
    existing: 'update',
    entries,
  });
  const late = await accounts.createOrganization({ type: 'supplier', name: LATE_SUPPLIER });
  for (const id of [supplierId, late.id]) {
    await store.changes.setExpectedInterval(id, EXPECTED_MINUTES);
  }
  await createLogins(accounts, [supplierId, late.id]);
  return entries.length;
}

/** A retailer that reads the suppliers, an operator, and a user of each. */
async function createLogins(accounts: AccountStore, supplierIds: readonly number[]): Promise<void> {
  const passwordHash = await hashPassword(DEMO_PASSWORD);
  for (const { username, organization: name, type } of DEMO_USERS) {
    const organization =
      (await accounts.findOrganization(name)) ??
      (await accounts.createOrganization({ type, name }));
    if (type === 'retailer') {
      for (const id of supplierIds) await accounts.createConnection(id, organization.id);
    }
    const permissions = PERMISSIONS_OF_TYPE[type];
    const organizationId = organization.id;
    await accounts.createUser({ organizationId, username, passwordHash, permissions });
  }
}

async function showSample(context: CommandContext, url: string): Promise<void> {
  const headers = {
    Authorization: `Token ${DEMO_TOKEN}`,
    'Content-Type': 'application/json; charset=utf-8',
  };
  const response = await fetch(url + BULK_PATH, {
    method: 'POST',
    headers,
    body: JSON.stringify(SAMPLE_REQUEST),
  });
  const reply: unknown = await response.json();
  const headerLines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`);
  context.print(
    `\n${bold('Sent this request', context)}, with the stock of two SKUs and one that does not exist:\n\n` +
      `POST ${BULK_PATH}\n${headerLines.join('')}\n${JSON.stringify(SAMPLE_REQUEST, null, 2)}\n` +
      `\n${bold('The response', context)} has a durable result for each line:\n\n` +
      `${response.status} ${response.statusText}\n\n${JSON.stringify(reply, null, 2)}\n` +
      `\n${bold('To send it yourself', context)}, paste this into another terminal:\n\n${curlCommand(url)}\n` +
      `\nThe users clerk, buyer and operator have the password "${DEMO_PASSWORD}".\n` +
      `\nThe API documentation is at ${url}/docs. Ctrl-C stops the demo.`,
  );
}

/** The curl command of the public sample request, with this server's address. */
function curlCommand(url: string): string {
  return `curl -X "POST" "${url}${BULK_PATH}" \\
     -H 'Authorization: Token ${DEMO_TOKEN}' \\
     -H 'Content-Type: application/json; charset=utf-8' \\
     -d $'${JSON.stringify(SAMPLE_REQUEST, null, 2)}'`;
}
