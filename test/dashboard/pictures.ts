/**
 * Takes the pictures of docs/dashboard.md: `node test/dashboard/pictures.ts`. It starts a server with made-up suppliers of
 * its own, and needs Chromium.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Onhand } from '../../client/src/index.ts';
import { createUser } from '../http/accounts/browser.ts';
import { BULK, TestServer } from '../http/harness.ts';
import { PERMISSIONS_OF_TYPE } from '../../src/domain/parties.ts';
import { Receiver } from '../webhooks/receiver.ts';
import { demoCatalogue } from '../../src/cli/serve/demo-catalogue.ts';
import { launchChromium, loaded, windowOf } from './chromium.ts';

interface Picture {
  readonly name: string;
  readonly user: 'clerk' | 'buyer';
  readonly path: string;
  readonly scheme?: 'dark';
  readonly isPhone?: boolean;
}

const SKU_ID = 'TEAPOT-MOS-L';
/** Stands for the UUID of a file that was checked. */
const FILE = 'CHECKED-FILE';
/** Stands for the UUID of a webhook. */
const WEBHOOK = 'A-WEBHOOK';
const PICTURES: readonly Picture[] = [
  { name: 'overview-supplier', user: 'clerk', path: '/' },
  { name: 'overview-retailer', user: 'buyer', path: '/' },
  { name: 'overview-phone', user: 'buyer', path: '/', isPhone: true },
  { name: 'skus', user: 'clerk', path: '/skus' },
  { name: 'skus-dark', user: 'clerk', path: '/skus', scheme: 'dark' },
  { name: 'sku', user: 'clerk', path: `/skus/${SKU_ID}` },
  { name: 'check', user: 'clerk', path: `/drop/${FILE}` },
  { name: 'changes', user: 'buyer', path: '/changes' },
  { name: 'webhook', user: 'buyer', path: `/webhooks/${WEBHOOK}` },
  { name: 'webhook-dark', user: 'buyer', path: `/webhooks/${WEBHOOK}`, scheme: 'dark' },
  { name: 'skus-phone', user: 'clerk', path: '/skus', isPhone: true },
];
const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const SIZE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 780 };

const server = await TestServer.start({
  dashboardPath: '/',
  webhooksAllowHttp: true,
  webhooksAllowPrivateNetworks: true,
});
/** Its third answer is a failure. */
let answers = 0;
const receiver = await Receiver.http((response) => {
  answers += 1;
  response
    .writeHead(answers === 3 ? 503 : 200)
    .end(answers === 3 ? 'The shop is being updated.' : '{"stored": true}');
});
const browser = await launchChromium();
try {
  const { token, uuid, file, webhook } = await fill();
  await mkdir(FOLDER, { recursive: true });
  for (const { name, user, path, scheme = 'light', isPhone = false } of PICTURES) {
    const context = await windowOf(browser, server, user, {
      colorScheme: scheme,
      viewport: isPhone ? PHONE : SIZE,
    });
    const page = await context.newPage();
    await page.goto(
      server.url + path.replace(SKU_ID, uuid).replace(FILE, file).replace(WEBHOOK, webhook),
    );
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => undefined);
    if (path === '/changes') {
      await send(token, 'Sold', 12);
      await page.getByText('Sold').first().waitFor();
    }
    await loaded(page);
    await page.screenshot({ path: join(FOLDER, `dashboard-${name}.png`) });
    await context.close();
  }
} finally {
  await browser.close();
  await server.stop();
  await receiver.close();
}

/** A supplier that reports, one with books, and one that is late; a retailer that sees all three. */
async function fill(): Promise<{
  readonly token: string;
  readonly uuid: string;
  readonly file: string;
  readonly webhook: string;
}> {
  const catalogue = demoCatalogue();
  const { supplier, token } = await server.createSupplier('Northwind Housewares', catalogue);
  const books = await server.createSupplier(
    'Blue Door Books',
    catalogue.filter(({ skuId }) => skuId.startsWith('BOOK')),
  );
  const late = await server.createOrganization('supplier', 'Tardy & Sons');
  const shop = await server.createOrganization('retailer', 'Corner Shop');
  for (const { id } of [supplier, books.supplier, late]) {
    await server.store.accounts.createConnection(id, shop.id);
    await server.store.changes.setExpectedInterval(id, id === books.supplier.id ? 1440 : 60);
  }
  await createUser(server, supplier, 'clerk');
  await createUser(server, shop, 'buyer');
  const webhook = await createWebhook(shop.id);
  for (let round = 0; round < 9; round += 1) {
    await send(token, round % 4 === 0 ? 'Counted' : 'Hourly export', round);
  }
  const { json } = await server.ask('GET', `/timp/products/skus/?sku_id=${SKU_ID}`, { token });
  const [, uuid = ''] = /"uuid":"([^"]+)"/.exec(JSON.stringify(json)) ?? [];
  return { token, uuid, file: await check(token), webhook };
}

/** Creates a webhook of a retailer, which gets what is sent afterwards. */
async function createWebhook(retailer: number): Promise<string> {
  const token = await server.createToken(retailer, PERMISSIONS_OF_TYPE.retailer);
  const { webhooks } = new Onhand({ url: server.url, token });
  const url = `http://127.0.0.1:${receiver.port}/stock`;
  const { uuid } = await webhooks.create({ url, description: 'The shop' });
  await webhooks.test(uuid);
  return uuid;
}

/** Uploads a file of which some rows would fail, as a dry run. */
async function check(token: string): Promise<string> {
  const { files } = new Onhand({ url: server.url, token });
  const rows = demoCatalogue()
    .slice(0, 120)
    .map(({ skuId }, place) => `${skuId}${place % 40 === 9 ? '?' : ''};${(place * 31) % 170}`);
  const content = ['Item #;Qty on hand', ...rows].join('\n');
  const file = await files.upload(content, { filename: 'stock.csv', terms: { dry_run: true } });
  await files.wait(file);
  return file;
}

/** Updates every sixth SKU, and one that does not exist. */
async function send(token: string, reason: string, round: number): Promise<void> {
  const lines = demoCatalogue()
    .filter(({ skuId }, place) => skuId === SKU_ID || place % 6 === round % 6)
    .map(({ skuId }, place) => ({
      sku_id: skuId,
      quantity_in_stock: (place * 29 + round * 53) % 190,
      ...(place % 9 === 0 && { restrictions: 'tmpunavail' }),
    }));
  const unknown = round === 5 ? [{ sku_id: 'NON-EXISTENT', quantity_in_stock: 1 }] : [];
  await server.ask('POST', BULK, {
    token,
    headers: { 'batch-reason': reason },
    body: [...lines, ...unknown],
  });
}
