import type { Browser, BrowserContext, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Onhand } from '../../client/src/index.ts';
import { createUser, PASSWORD } from '../http/accounts/browser.ts';
import { SKUS, TestServer } from '../http/harness.ts';
import { Receiver } from '../webhooks/receiver.ts';
import { hasChromium, launchChromium, loaded, windowOf } from './chromium.ts';
import {
  expectNothingOf,
  expectNoViolations,
  expectUnchangedBy,
  readsOf,
  recordWrites,
  testOnce,
  type Write,
} from './screens.ts';

const isPostgres = process.env['TEST_STORE'] === 'postgres';
const STOCK = 'sku_id,quantity_in_stock\nCUP,7\nPOT,0\nTIN,3\nTIM,5\n';

describe.skipIf(!hasChromium)('files in the dashboard', () => {
  let server: TestServer;
  let browser: Browser;
  let clerk: BrowserContext;
  let token: string;
  const errors: string[] = [];
  const writes: Write[] = [];

  const open = async (path: string, context = clerk): Promise<Page> => {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.goto(server.url + path);
    return page;
  };
  const stockOf = async (skuId: string): Promise<number | null | undefined> => {
    const [sku] = await new Onhand({ url: server.url, token }).skus.find({ sku_id: skuId });
    return sku?.quantity_in_stock;
  };

  beforeAll(async () => {
    server = await TestServer.start({
      dashboardPath: '/',
      webhooksAllowHttp: true,
      webhooksAllowPrivateNetworks: true,
    });
    const acme = await server.createSupplier(
      'Acme',
      ['CUP', 'POT', 'TIN'].map((skuId) => ({
        skuId,
        product: { title: skuId },
        inventory: { quantityInStock: 3 },
      })),
    );
    token = acme.token;
    const { supplier: other } = await server.createSupplier('Other', [
      { skuId: 'SECRET', product: { title: 'Secret' }, inventory: { quantityInStock: 1 } },
    ]);
    await createUser(server, acme.supplier, 'clerk');
    await createUser(server, acme.supplier, 'reader', ['view_items']);
    await createUser(server, other, 'stranger');
    const shop = await server.createOrganization('retailer', 'Shop');
    await server.store.accounts.createConnection(acme.supplier.id, shop.id);
    await server.store.accounts.createConnection(other.id, shop.id);
    // So many that they are searched.
    for (let number = 1; number <= 7; number += 1) {
      const { id } = await server.createOrganization('supplier', `Supplier ${number}`);
      await server.store.accounts.createConnection(id, shop.id);
    }
    await createUser(server, shop, 'buyer');
    await createUser(server, await server.createOrganization('operator', 'Host'), 'admin');
    browser = await launchChromium();
    clerk = await windowOf(browser, server, 'clerk');
    recordWrites(clerk, writes);
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
    expect(errors).toEqual([]);
  });

  test('a clerk drops a file, sees what it would change, applies it, and undoes it', async () => {
    const page = await open('/drop');
    await choose(page, STOCK);
    await page.getByRole('heading', { name: 'Check stock.csv' }).waitFor();
    await page.getByRole('row', { name: /CUP/ }).getByText('+4').waitFor();
    await page.getByText('1 row would be left out').waitFor();
    expect(await stockOf('CUP')).toBe(3);
    await page.getByRole('button', { name: 'Apply 2 changes' }).click();
    await page.getByText('3 rows were applied.').waitFor();
    expect([await stockOf('CUP'), await stockOf('POT')]).toEqual([7, 0]);
    await page.getByRole('button', { name: 'Undo this file' }).click();
    await page.getByText('2 SKUs get back the values that they had before.').waitFor();
    expect(await stockOf('CUP')).toBe(7);
    await page.getByRole('button', { name: 'Restore 2 SKUs' }).click();
    await page.getByText('2 SKUs were restored.').waitFor();
    expect([await stockOf('CUP'), await stockOf('POT')]).toEqual([3, 3]);
    await page.close();
  });

  test('a clerk checks and applies a file with the keyboard alone', async () => {
    const page = await open('/drop');
    await page.getByText('Choose a file').waitFor();
    // Before the keys: the browser must know in time that the dialog is answered here.
    const chooser = page.waitForEvent('filechooser');
    await tabTo(page, 'Choose a file');
    await page.keyboard.press('Enter');
    await (
      await chooser
    ).setFiles({
      name: 'keys.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('sku_id,qty\nTIN,9\n'),
    });
    await page.getByRole('button', { name: 'Apply 1 change' }).waitFor();
    await tabTo(page, 'Apply 1 change');
    await page.keyboard.press('Enter');
    await page.getByText('1 row was applied.').waitFor();
    await tabTo(page, 'Undo this file');
    await page.keyboard.press('Enter');
    await page.getByText('1 SKU gets back the values that it had before.').waitFor();
    await tabTo(page, 'Restore 1 SKU');
    await page.keyboard.press('Enter');
    await page.getByText('1 SKU was restored.').waitFor();
    expect(await stockOf('TIN')).toBe(3);
    await page.close();
  });

  test('a clerk finds out why one row failed, and downloads that row to mend it', async () => {
    const page = await open('/drop');
    await choose(page, STOCK);
    const reason = page.getByRole('row', { name: /No SKU has these identifiers/ });
    await reason.getByText("{'sku_id': 'TIM'}").waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download the failed rows as CSV' }).click();
    const stream = await (await download).createReadStream();
    const parts: Buffer[] = [];
    for await (const part of stream) if (part instanceof Uint8Array) parts.push(Buffer.from(part));
    const text = Buffer.concat(parts).toString();
    expect(text).toContain('TIM,5');
    expect(text).not.toContain('CUP');
    await page.close();
  });

  testOnce('an ambiguous file asks, and its answer is used', async () => {
    const page = await open('/drop');
    await choose(page, 'sku_id,quantity_in_stock\nCUP,5\nCUP,6\n');
    await page.getByText('Some SKUs have several rows').waitFor();
    await page.getByLabel('Add them up, such as one row per warehouse').check();
    await page.getByRole('button', { name: 'Continue the check' }).click();
    await page.getByText('+8').first().waitFor();
    await page.close();
  });

  testOnce('a column that is not known is chosen once and remembered for later files', async () => {
    const content = 'sku_id,quantity_in_stock,Shelf 4\nCUP,3,12\n';
    const page = await open('/drop');
    await choose(page, content);
    const column = page.getByRole('combobox', { name: 'Read “Shelf 4” as' });
    await column.click();
    await page.getByRole('option', { name: 'Quantity on backorder' }).click();
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByRole('row', { name: /CUP/ }).getByText('On backorder').waitFor();
    await page.goto(`${server.url}/drop`);
    await choose(page, content, 'later.csv');
    await page.getByRole('heading', { name: 'Check later.csv' }).waitFor();
    await page.getByRole('row', { name: /CUP/ }).getByText('On backorder').waitFor();
    await page.close();
  });

  test('a file with unknown columns is mapped on the screen, and the choice survives a reload', async () => {
    const page = await open('/drop');
    await choose(page, 'Thing;On the shelf\nCUP;8\nPOT;none\n', 'unknown.csv');
    await page.getByText('Say which column identifies the SKU').waitFor();
    await select(page, 'Read “Thing” as', 'SKU identifier');
    await page.reload();
    await page.getByText('Say which column identifies the SKU').waitFor();
    await select(page, 'Read “On the shelf” as', 'Quantity in stock');
    await page.getByLabel('Remember this for all later files').uncheck();
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByText('1 row would be left out').waitFor();
    await page.getByRole('row', { name: /CUP/ }).getByText('+5').waitFor();
    await page.close();
  });

  testOnce('reading rules are chosen on the screen, and saved for later files', async () => {
    const page = await open('/drop');
    await choose(page, 'sku_id,quantity_in_stock\nCUP,-2\nPOT,plenty\n', 'rules.csv');
    await page.getByText('2 rows would be left out').waitFor();
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await select(page, 'Quantities below zero', 'Read them as zero');
    await page.getByLabel('Words instead of quantities').fill('plenty = 99');
    const rules = page.getByRole('region', { name: 'How values are read' });
    await rules.getByLabel('Remember this for all later files').check();
    await rules.getByRole('button', { name: 'Check again' }).click();
    await page.getByRole('row', { name: /POT/ }).getByText('+96').waitFor();
    await page.getByRole('button', { name: 'Apply 2 changes' }).waitFor();
    const { json } = await server.ask('GET', '/timp/organizations/files/settings/', { token });
    expect(json).toMatchObject({ words: { plenty: 99 }, negative: 'zero' });
    await page.close();
  });

  testOnce(
    'a session that ends while a file is sent applies nothing, and the file can be sent again',
    async () => {
      const context = await windowOf(browser, server, 'clerk');
      const page = await open('/drop', context);
      await page.getByText('Choose a file').waitFor();
      const end = async (route: Route): Promise<void> => {
        const headers = { 'onhand-dashboard': '1' };
        await context.request.delete(`${server.url}/timp/organizations/sessions/current/`, {
          headers,
        });
        await route.continue();
      };
      await page.route('**/files/upload/**', end, { times: 1 });
      await choose(page, 'sku_id,quantity_in_stock\nCUP,77\n', 'midway.csv');
      await page.getByLabel('Username').fill('clerk');
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.keyboard.press('Enter');
      await page.getByText('midway.csv was not sent: the session had ended').waitFor();
      expect(await stockOf('CUP')).toBe(3);
      await page.getByRole('button', { name: 'Send it again' }).click();
      await page.getByRole('row', { name: /CUP/ }).getByText('+74').waitFor();
      await context.close();
    },
  );

  test('a pasted line shows what each identifier finds, and what it would change', async () => {
    const page = await open('/try');
    await page
      .getByRole('textbox', { name: 'Paste a line' })
      .fill('{"sku_id": "CUP", "ean13": "4006381333931"}');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Would fail').waitFor();
    await page.getByRole('row', { name: /ean13/ }).getByText('No SKU').waitFor();
    await page
      .getByRole('row', { name: /sku_id/ })
      .getByRole('link', { name: 'CUP' })
      .waitFor();
    await page
      .getByRole('textbox', { name: 'Paste a line' })
      .fill('{"sku_id": "CUP", "quantity_in_stock": 8}');
    await page.keyboard.press('Control+Enter');
    await page.getByText('+5').waitFor();
    expect(await stockOf('CUP')).toBe(3);
    await page.close();
  });

  test('a buyer registers a webhook for one supplier, sees what was sent, and sends it again', async () => {
    let status = 500;
    const receiver = await Receiver.http((response) => response.writeHead(status).end('noted'));
    const strangers = await open('/webhooks', await windowOf(browser, server, 'stranger'));
    const buyer = await windowOf(browser, server, 'buyer');
    recordWrites(buyer, writes);
    const page = await open('/webhooks', buyer);
    await page.getByRole('button', { name: 'Create webhook' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('URL').fill(`http://127.0.0.1:${receiver.port}/hook`);
    if (!isPostgres) await expectNoViolations(page, 'a new webhook');
    await dialog.getByLabel('Find a supplier').fill('acm');
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Acme').check();
    await dialog.getByRole('button', { name: 'Create webhook' }).click();
    const secret = await dialog.getByText(/^whsec_/).textContent();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('link', { name: /127\.0\.0\.1/ }).click();
    await page.getByText('No messages yet').waitFor();
    await new Onhand({ url: server.url, token }).inventory.set({
      sku_id: 'TIN',
      quantity_in_stock: 3,
      quantity_on_backorder: 40,
    });
    await page
      .getByRole('row', { name: /Failed 500 next attempt .*\d:\d\d.*Acme/ })
      .getByRole('link')
      .click();
    await page
      .getByText(/"quantity_on_backorder": 40/)
      .first()
      .waitFor();
    await page.getByText('(not stored)').first().waitFor();
    if (!isPostgres) await expectNoViolations(page, 'a message');
    expect(await page.content()).not.toContain(secret);
    expect(await page.content()).not.toContain(receiver.received[0]?.headers['webhook-signature']);
    status = 200;
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('The message was delivered.').waitFor();
    const [first, second] = receiver.received;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);

    await page.getByRole('link', { name: '← Latest messages' }).click();
    await page.getByRole('row', { name: /Delivered 200/ }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused by its owner.').waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Deliver again since a time…' }).click();
    await page.getByText(/^\d+ changes are delivered again\. The webhook is paused/).waitFor();
    if (!isPostgres) await expectNoViolations(page, 'messages and the dialog above them');
    await page.getByRole('button', { name: 'Deliver again' }).click();
    await page.getByText(/^\d+ changes are being delivered again/).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    // The same change, in a message that the receiver has not seen.
    await page
      .getByRole('row', { name: /Delivered 200/ })
      .nth(1)
      .waitFor();
    expect(receiver.received.at(-1)?.headers['webhook-id']).not.toBe(first?.headers['webhook-id']);
    const uuid = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    const messages = await page.getByRole('row').getByRole('link').first().getAttribute('href');
    for (const path of [`/webhooks/${uuid}`, messages ?? '']) {
      await strangers.goto(server.url + path);
      await strangers.getByText('There is nothing here').waitFor();
    }
    await strangers.close();
    await buyer.close();
    await receiver.close();
  });

  test('another organization sees none of these files and batches, by no link', async () => {
    const onhand = new Onhand({ url: server.url, token });
    const uuid = await onhand.files.upload('sku_id,qty\nCUP,4\n', { filename: 'private.csv' });
    const { batches } = await onhand.files.wait(uuid);
    const stranger = await windowOf(browser, server, 'stranger');
    const page = await open('/files', stranger);
    await page.getByText('No files yet').waitFor();
    for (const path of [`/files/${uuid}`, `/drop/${uuid}`, `/batches/${batches[0]}`]) {
      await page.goto(server.url + path);
      await page.getByText('There is nothing here').waitFor();
      expect(await page.getByText(/private|CUP/).count()).toBe(0);
    }
    await stranger.close();
  });

  testOnce(
    'an operator acts for the supplier that it chose: drops a file, tries a line, and creates a webhook',
    async () => {
      const admin = await windowOf(browser, server, 'admin');
      recordWrites(admin, writes);
      const page = await open('/drop', admin);
      await page.getByRole('heading', { name: 'Choose a supplier' }).waitFor();
      await page.getByRole('combobox', { name: 'Acting for' }).click();
      await page.getByRole('option', { name: 'Acme' }).click();
      await choose(page, 'sku_id,quantity_in_stock\nPOT,31\n', 'operator.csv');
      await page.getByRole('button', { name: 'Apply 1 change' }).click();
      await page.getByText('1 row was applied.').waitFor();
      expect(await stockOf('POT')).toBe(31);
      // The other screens keep the choice.
      await page.getByRole('link', { name: 'Files and batches', exact: true }).click();
      await page
        .getByRole('row', { name: /operator\.csv/ })
        .first()
        .waitFor();
      await page.getByRole('link', { name: 'Try a line' }).click();
      await page
        .getByRole('textbox', { name: 'Paste a line' })
        .fill('{"sku_id": "POT", "quantity_in_stock": 33}');
      await page.keyboard.press('Control+Enter');
      await page.getByText('+2').waitFor();
      await page.getByRole('link', { name: 'Webhooks' }).click();
      await page.getByRole('button', { name: 'Create webhook' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('URL').fill('http://127.0.0.1:9/for-acme');
      await dialog.getByRole('button', { name: 'Create webhook' }).click();
      await dialog.getByText(/^whsec_/).waitFor();
      const { json } = await server.ask('GET', '/timp/notifications/webhooks/', { token });
      expect(JSON.stringify(json)).toContain('for-acme');
      await admin.close();
    },
  );

  testOnce(
    'nothing that these pages send changes or shows anything of Acme in the session of another organization',
    async () => {
      const stranger = await windowOf(browser, server, 'stranger');
      await expectUnchangedBy(
        writes,
        { context: stranger, server },
        {
          context: clerk,
          texts: ['Acme', 'clerk'],
          paths: [
            SKUS,
            '/timp/organizations/files/',
            '/timp/products/skus/inventory/batches/',
            '/timp/notifications/webhooks/',
            '/timp/organizations/files/settings/',
          ],
        },
      );
      await stranger.close();
    },
  );

  testOnce(
    'screens of files break no rule of axe in either theme, and tell another tenant nothing',
    async () => {
      const onhand = new Onhand({ url: server.url, token });
      const uuid = await onhand.files.upload(STOCK, { filename: 'axe.csv' });
      const checked = await onhand.files.upload(STOCK, {
        filename: 'axe.csv',
        terms: { dry_run: true },
      });
      const { batches } = await onhand.files.wait(uuid);
      await onhand.files.wait(checked);
      const page = await open('/drop');
      const reads = readsOf(page);
      const screens = [
        ['/drop', 'Recent files'],
        [`/drop/${checked}`, 'How the columns are read'],
        ['/files', 'Files and batches'],
        [`/files/${uuid}`, 'Why rows fail'],
        [`/batches/${batches[0]}`, 'Lines that failed'],
        ['/try', 'Paste a line'],
        ['/webhooks', 'Webhooks'],
      ] as const;
      for (const [path, heading] of screens) {
        await page.goto(server.url + path);
        await page.getByRole('heading', { name: heading, exact: true }).waitFor();
        await loaded(page);
        await expectNoViolations(page, path);
      }
      await page.close();
      const stranger = await windowOf(browser, server, 'stranger');
      expect([...reads].length).toBeGreaterThan(screens.length);
      await expectNothingOf(['axe.csv', 'CUP', 'Acme', 'clerk'], reads, {
        context: stranger,
        server,
      });
      await stranger.close();
    },
  );
});

/** Chooses a file with this content, as the dialog of the browser does. */
async function choose(page: Page, content: string, name = 'stock.csv'): Promise<void> {
  await page
    .locator('input[type=file]')
    .setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(content) });
}

async function select(page: Page, field: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: field }).click();
  await page.getByRole('option', { name: option }).click();
}

/** Presses Tab until the element with this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  const reached: string[] = [];
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const label = String(
      await page.evaluate(
        "(({ activeElement: element }) => element?.getAttribute('aria-label') ?? element?.textContent)(document)",
      ),
    );
    if (label.replace('…', '').trim() === name) return;
    reached.push(label.slice(0, 40));
  }
  throw new Error(`The keyboard reaches ${reached.join(', ')}, but not "${name}".`);
}
