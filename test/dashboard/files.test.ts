import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Onhand } from '../../client/src/index.ts';
import { createUser } from '../http/accounts/browser.ts';
import { TestServer } from '../http/harness.ts';
import { hasChromium, launchChromium, loaded, violationsOf, windowOf } from './chromium.ts';

const STOCK = 'sku_id,quantity_in_stock\nCUP,7\nPOT,0\nTIN,3\nTIM,5\n';

describe.skipIf(!hasChromium)('files in the dashboard', () => {
  let server: TestServer;
  let browser: Browser;
  let clerk: BrowserContext;
  let token: string;
  const errors: string[] = [];

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
    server = await TestServer.start({ dashboardPath: '/' });
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
    browser = await launchChromium();
    clerk = await windowOf(browser, server, 'clerk');
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

  test('an ambiguous file asks, and its answer is used', async () => {
    const page = await open('/drop');
    await choose(page, 'sku_id,quantity_in_stock\nCUP,5\nCUP,6\n');
    await page.getByText('Some SKUs have several rows').waitFor();
    await page.getByLabel('Add them up, such as one row per warehouse').check();
    await page.getByRole('button', { name: 'Continue the check' }).click();
    await page.getByText('+8').first().waitFor();
    await page.close();
  });

  test('a column that is not known is chosen once and remembered for later files', async () => {
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

  test.for(['light', 'dark'] as const)(
    'axe finds nothing on the files screens, %s',
    async (scheme) => {
      const onhand = new Onhand({ url: server.url, token });
      const uuid = await onhand.files.upload(STOCK, { filename: 'axe.csv' });
      const checked = await onhand.files.upload(STOCK, {
        filename: 'axe.csv',
        terms: { dry_run: true },
      });
      const { batches } = await onhand.files.wait(uuid);
      await onhand.files.wait(checked);
      const context = await windowOf(browser, server, 'clerk', { colorScheme: scheme });
      const page = await open('/', context);
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
        expect([path, await violationsOf(page)]).toEqual([path, []]);
      }
      await context.close();
    },
  );
});

/** Chooses a file with this content, as the dialog of the browser does. */
async function choose(page: Page, content: string, name = 'stock.csv'): Promise<void> {
  await page
    .locator('input[type=file]')
    .setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(content) });
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
