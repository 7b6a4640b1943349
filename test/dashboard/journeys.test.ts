import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Onhand, type Sku } from '../../client/src/index.ts';
import { createUser, PASSWORD } from '../http/accounts/browser.ts';
import { BULK, SINGLE, TestServer } from '../http/harness.ts';
import { hasChromium, launchChromium, loaded, windowOf } from './chromium.ts';
import { expectNothingOf, expectNoViolations, readsOf, testOnce } from './screens.ts';

const SKUS = 600;
const isPostgres = process.env['TEST_STORE'] === 'postgres';

describe.skipIf(!hasChromium)('the dashboard in a browser', () => {
  let server: TestServer;
  let browser: Browser;
  let clerk: BrowserContext;
  let token: string;
  const errors: string[] = [];

  const open = async (path: string, context = clerk): Promise<Page> => {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => errors.push(message));
    // Such as what the CSP refused. Chromium reports error statuses too, which some journeys cause on purpose.
    page.on('console', (message) => {
      const isStatus = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isStatus) errors.push(message.text());
    });
    await page.goto(server.url + path);
    return page;
  };

  beforeAll(async () => {
    server = await TestServer.start({ dashboardPath: '/' });
    const acme = await server.createSupplier('Acme', [
      { skuId: 'KETTLE', product: { title: 'Kettle', upca: '012345678905' }, inventory: {} },
      ...Array.from({ length: SKUS }, (_, number) => ({
        skuId: `SKU-${number}`,
        product: { title: `Article ${number}` },
        inventory: { quantityInStock: number },
      })),
    ]);
    token = acme.token;
    const tardy = await server.createOrganization('supplier', 'Tardy');
    const shop = await server.createOrganization('retailer', 'Shop');
    const { accounts, changes } = server.store;
    for (const { id } of [acme.supplier, tardy]) {
      await accounts.createConnection(id, shop.id);
      await changes.setExpectedInterval(id, 60);
    }
    await createUser(server, acme.supplier, 'clerk');
    const { supplier: other } = await server.createSupplier('Other', [
      { skuId: 'SECRET', product: { title: 'Secret' }, inventory: { quantityInStock: 1 } },
    ]);
    const host = await server.createOrganization('operator', 'Host');
    await createUser(server, other, 'stranger');
    await createUser(server, host, 'admin');
    await createUser(server, shop, 'buyer');
    await createUser(server, await server.createOrganization('operator', 'Ops'), 'operator');
    await server.ask('POST', BULK, {
      token,
      body: [{ sku_id: 'KETTLE', quantity_in_stock: 40 }],
    });
    browser = await launchChromium();
    clerk = await windowOf(browser, server, 'clerk');
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
    expect(errors).toEqual([]);
  });

  test('a user logs in with a password and stays at the address that was opened', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await context.newPage();
    await page.goto(`${server.url}/changes`);
    await page.getByLabel('Username').fill('clerk');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Changes' }).waitFor();
    await context.close();
  });

  test('a clerk finds a SKU by its barcode in another form', async () => {
    const page = await open('/skus');
    await page.getByRole('searchbox').fill('0 012345 678905');
    await page.keyboard.press('Enter');
    await page.getByText('1 SKU', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'KETTLE' }).click();
    await page.getByRole('heading', { name: 'Kettle', exact: true }).waitFor();
    await page.close();
  });

  testOnce('a scan finds its SKU although the server was too busy at first', async () => {
    const page = await open('/skus');
    await page.route(
      /[?&]q=/,
      async (route) => route.fulfill({ status: 503, headers: { 'retry-after': '0' } }),
      { times: 1 },
    );
    await page.getByRole('searchbox').fill('012345678905');
    await page.keyboard.press('Enter');
    await page.getByText('1 SKU', { exact: true }).waitFor();
    await page.close();
  });

  test('a clerk edits stock with the keyboard alone and undoes it', async () => {
    const page = await open('/skus?q=KETTLE');
    const stock = page.getByRole('button', { name: 'In stock of KETTLE' });
    await stock.focus();
    await page.keyboard.type('57');
    await page.keyboard.press('Enter');
    await page.getByText('KETTLE: 40 → 57').waitFor();
    await expect.poll(() => stockOf('KETTLE')).toBe(57);
    await stock.focus();
    await page.keyboard.press('Control+z');
    await page.getByText('KETTLE is as it was.').waitFor();
    expect(await stockOf('KETTLE')).toBe(40);
    await page.close();
  });

  test('an edit does not overwrite what another user changed in the meantime', async () => {
    const page = await open('/skus?q=SKU-5');
    const stock = page.getByRole('button', { name: 'In stock of SKU-5:' });
    await stock.waitFor();
    await setStock('SKU-5', 99);
    await stock.focus();
    await page.keyboard.type('7');
    await page.keyboard.press('Enter');
    await page.getByText('Someone else changed SKU-5').waitFor();
    expect(await stockOf('SKU-5')).toBe(99);
    await page.close();
  });

  testOnce('the SKU list reads further pages while the reader scrolls', async () => {
    const page = await open('/skus');
    const list = page.getByRole('table', { name: 'SKUs' });
    await list.focus();
    await expect
      .poll(async () => {
        await page.keyboard.press('End');
        return page.getByRole('link', { name: `SKU-${SKUS - 1}` }).count();
      })
      .toBe(1);
    await page.close();
  });

  test('a click on a column sorts the list, and an export has what is shown', async () => {
    const page = await open('/skus');
    const sort = page.getByRole('columnheader', { name: 'In stock' }).getByRole('button');
    await sort.click();
    await sort.click();
    await page
      .getByRole('row')
      .nth(1)
      .getByRole('link', { name: `SKU-${SKUS - 1}` })
      .waitFor();
    await page.getByRole('searchbox').fill('sku-59');
    await page.getByText('11 SKUs', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Export' }).click();
    const link = page.getByRole('menuitem', { name: 'CSV' });
    const exported = await page.request.get(`${server.url}${await link.getAttribute('href')}`);
    expect((await exported.text()).split('\n', 2)).toEqual([
      'sku_id,title,gtin,quantity_in_stock,quantity_on_backorder,restrictions,last_updated',
      expect.stringMatching(/^SKU-599,Article 599,,599,,,20/),
    ]);
    await page.close();
  });

  test('the operator edits stock for a supplier, and undoes it', async () => {
    const context = await windowOf(browser, server, 'operator');
    const page = await open('/skus?q=SKU-7', context);
    const stock = page.getByRole('button', { name: 'In stock of SKU-7:' });
    await stock.focus();
    await page.keyboard.type('8');
    await page.keyboard.press('Enter');
    await page.getByText('SKU-7: 7 → 8').waitFor();
    await expect.poll(() => stockOf('SKU-7')).toBe(8);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('SKU-7 is as it was.').waitFor();
    expect(await stockOf('SKU-7')).toBe(7);
    await context.close();
  });

  test('changes appear while they happen, and wait while the reader pauses', async () => {
    const page = await open('/changes');
    // The feed begins now; changes before it has begun are not in it.
    let quantity = 100;
    await expect
      .poll(async () => {
        await setStock('SKU-9', (quantity += 1));
        return page.getByRole('link', { name: 'SKU-9' }).count();
      })
      .toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Pause' }).click();
    await setStock('SKU-9', 0);
    await page.getByText(/Paused · [1-9]/).waitFor();
    expect(await page.getByText('→ 0').count()).toBe(0);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('→ 0').first().waitFor();
    await page.close();
  });

  test('the overview shows the figures of today, and opens the latest batches', async () => {
    const onhand = new Onhand({ url: server.url, token });
    const page = await open('/');
    const figure = page.getByText('Lines today').locator('..');
    await expect
      .poll(async () => {
        const midnight = new Date(new Date().setHours(0, 0, 0, 0));
        const { intervals } = await onhand.statistics({ from: midnight });
        const lines = intervals.reduce((sum, interval) => sum + interval.lines, 0);
        return figure.getByText(String(lines), { exact: true }).count();
      })
      .toBe(1);
    const link = page.getByRole('link', { name: /^Batch \d/ }).first();
    const name = (await link.textContent()) ?? '';
    await link.click();
    await page.getByRole('heading', { name, exact: true }).waitFor();
    await page.close();
  });

  testOnce('the command palette finds a SKU from any screen', async () => {
    const page = await open('/');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('A SKU, a barcode, or a screen').fill('012345678905');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'KETTLE' }).waitFor();
    await page.close();
  });

  test('a buyer sees which supplier is late, and may not edit', async () => {
    const buyer = await windowOf(browser, server, 'buyer');
    const page = await open('/', buyer);
    const row = page.getByRole('row', { name: 'Tardy' });
    await row.getByText('Late').waitFor();
    await page.goto(`${server.url}/skus?q=KETTLE`);
    await page.getByRole('link', { name: 'KETTLE' }).waitFor();
    expect(await page.getByRole('button', { name: 'In stock of KETTLE' }).count()).toBe(0);
    await buyer.close();
  });

  test('an operator sees the state of the server and what needs attention in any organization', async () => {
    const admin = await windowOf(browser, server, 'admin');
    await server.createOrganization('supplier', 'Donaudampfschifffahrtsgesellschaft & Co.');
    const page = await open('/', admin);
    const attention = page.getByRole('region', { name: 'Needs attention' });
    await attention.getByText('One supplier is late').waitFor();
    await attention.getByRole('link', { name: 'Tardy' }).waitFor();
    await page.getByText('Lines per second').waitFor();
    await page.getByRole('img', { name: /Lines in each of the last 24 hours/ }).waitFor();
    await page.getByRole('row', { name: 'Acme' }).waitFor();
    // On a phone, a wide table scrolls, and not the page.
    await page.setViewportSize({ width: 390, height: 780 });
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.goto(`${server.url}/skus`);
    await page.getByText(`${SKUS + 2} SKUs`, { exact: true }).waitFor();
    await admin.close();
  });

  test('screens break no rule of axe in either theme, and none of their requests tells another tenant anything', async () => {
    const stranger = await windowOf(browser, server, 'stranger');
    const context = await windowOf(browser, server, 'clerk');
    const page = await open('/', context);
    const reads = readsOf(page);
    const screens = [
      ['/', 'Overview'],
      ['/skus', 'SKUs'],
      [`/skus/${(await skuOf('KETTLE')).uuid}`, 'Kettle'],
      ['/changes', 'Changes'],
    ] as const;
    for (const [path, heading] of screens) {
      await page.goto(server.url + path);
      await page.getByRole('heading', { name: heading, exact: true }).waitFor();
      await loaded(page);
      if (!isPostgres) await expectNoViolations(page, path);
    }
    expect([...reads].length).toBeGreaterThan(screens.length);
    await expectNothingOf(['Acme', 'KETTLE', 'SKU-1', 'clerk'], reads, {
      context: stranger,
      server,
    });
    await stranger.close();
    await context.clearCookies();
    await page.goto(server.url);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    if (!isPostgres) await expectNoViolations(page, 'log-in');
    await context.close();
  });

  testOnce(
    'a live page says that the server restarts, recovers by itself and misses no change',
    async () => {
      const page = await open('/changes');
      let quantity = 500;
      await expect
        .poll(async () => {
          await setStock('SKU-8', (quantity += 1));
          return page.getByRole('link', { name: 'SKU-8' }).count();
        })
        .toBeGreaterThan(0);
      await server.restart(() => page.getByText('The server does not answer').waitFor());
      await setStock('SKU-8', 4711);
      await page.getByText('4,711').waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.close();
    },
  );

  async function setStock(skuId: string, quantity: number): Promise<void> {
    const body = { sku_id: skuId, quantity_in_stock: quantity };
    await server.ask('POST', SINGLE, { token, body });
  }
  async function skuOf(skuId: string): Promise<Sku> {
    const onhand = new Onhand({ url: server.url, token });
    const [sku] = await onhand.skus.find({ sku_id: skuId });
    if (sku === undefined) throw new Error(`there is no SKU ${skuId}`);
    return sku;
  }
  const stockOf = async (skuId: string): Promise<number | null> =>
    (await skuOf(skuId)).quantity_in_stock;
});
