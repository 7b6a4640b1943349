import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { hashToken } from '../../accounts/credentials.ts';
import { DEFAULT_PORT, readSettings } from '../../config.ts';
import { startServer, type RunningServer } from '../../server.ts';
import type { Store } from '../../store/store.ts';
import { demoCatalogue } from './demo-catalogue.ts';
import { stopAsked } from './serve.ts';

/** The token of the public sample request. It opens nothing but a demo, and a demo listens on loopback only. */
const DEMO_TOKEN = '1083e3ec5c40b36fd663ba925bc8d864061463e2';
const BULK_PATH = '/timp/products/skus/inventory/bulk/';
const DEMO_SUPPLIER = 'Demo Supplier';
const LOOPBACK = '127.0.0.1';

const SAMPLE_REQUEST = [
  { quantity_in_stock: 512, sku_id: 'xkuOwSQ3utl' },
  { quantity_in_stock: 101, quantity_on_backorder: 12, sku_id: '2mNh6Gvwgl7LjmZj' },
  { quantity_in_stock: 13, sku_id: 'NON-EXISTENT' },
];

export function demoCommand(): Command {
  return new Command('demo')
    .summary('try it: a server with a demo supplier and a temporary database')
    .description(
      'Starts a server on loopback with a temporary database that holds a demo supplier and its SKUs, ' +
        'sends it a sample request, shows the reply, and goes on serving until Ctrl-C.',
    )
    .addHelpText('after', '\nExample:\n  onhand demo')
    .action(async () => {
      const asked = stopAsked();
      const folder = await mkdtemp(join(tmpdir(), 'onhand-demo-'));
      try {
        const server = await startOnFreePort(`sqlite:${join(folder, 'onhand.db')}`);
        try {
          const skuCount = await fillDemo(server.store);
          process.stdout.write(
            `\n${pc.bold('onhand demo')}: ${server.url} serves ${DEMO_SUPPLIER} with ${skuCount} SKUs, from a temporary database.\n`,
          );
          await showSample(server.url);
          await asked;
        } finally {
          await server.close();
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
      process.stdout.write('\nStopped; the temporary database is gone.\n');
    });
}

const PORTS_TRIED = 100;

async function startOnFreePort(database: string): Promise<RunningServer> {
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + PORTS_TRIED; port += 1) {
    try {
      return await startServer(readSettings({ database, port, host: LOOPBACK, logLevel: 'warn' }));
    } catch (error) {
      if (!isPortTaken(error)) throw error;
      process.stdout.write(`Port ${port} is taken, trying ${port + 1}.\n`);
    }
  }
  throw new Error(`The ports ${DEFAULT_PORT} to ${DEFAULT_PORT + PORTS_TRIED - 1} are all taken.`);
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
    permissions: ['view_items', 'edit_items'],
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
  return entries.length;
}

async function showSample(url: string): Promise<void> {
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
  process.stdout.write(
    `\n${pc.bold('It was just sent')} (of two SKUs the stock, and one that does not exist):\n\n` +
      `POST ${BULK_PATH}\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join('')}\n${JSON.stringify(SAMPLE_REQUEST, null, 2)}\n` +
      `\n${pc.bold('and answered')}, a durable verdict for each line:\n\n` +
      `${response.status} ${response.statusText}\n\n${JSON.stringify(reply, null, 2)}\n` +
      `\n${pc.bold('Paste this into another terminal')} to send it yourself:\n\n${curlCommand(url)}\n` +
      `\nThe API is documented at ${url}/docs. Ctrl-C stops the demo.\n`,
  );
}

/** The sample's own curl command, with this server's address. */
function curlCommand(url: string): string {
  return `curl -X "POST" "${url}${BULK_PATH}" \\
     -H 'Authorization: Token ${DEMO_TOKEN}' \\
     -H 'Content-Type: application/json; charset=utf-8' \\
     -d $'${JSON.stringify(SAMPLE_REQUEST, null, 2)}'`;
}
