import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createUser } from '../http/accounts/browser.ts';
import { SKUS, TestServer } from '../http/harness.ts';
import { entry } from '../store/fixtures.ts';
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

/** Runs in a page. Sends three lines of which one fails, and follows what they change. */
const PROGRAM = `async ({ url, token }) => {
  const { Onhand } = await import('/client.js');
  const onhand = new Onhand({ url, token, retries: 0 });
  const stop = new AbortController();
  const feed = onhand.changes.follow({ from: 'start', signal: stop.signal });
  const followed = (async () => {
    const quantities = [];
    for await (const { record } of feed) {
      if (record.kind === 'change') quantities.push(record.after.quantity_in_stock);
      if (quantities.at(-1) === 8) stop.abort();
    }
    return quantities;
  })();
  const lines = [7, 'many', 8].map((quantity_in_stock) => ({ sku_id: 'B-1', quantity_in_stock }));
  const statuses = [];
  for await (const { index, status_code } of onhand.inventory.update(lines, { chunkLines: 2 })) {
    statuses.push([index, status_code]);
  }
  const streamed = await onhand.inventory.stream(lines).next().catch(({ message }) => message);
  return { statuses, streamed, followed: await followed };
}`;

describe.skipIf(!hasChromium)('access in the dashboard', () => {
  let server: TestServer;
  let browser: Browser;
  let clerk: BrowserContext;
  const errors: string[] = [];
  const writes: Write[] = [];

  const open = async (path: string, context = clerk): Promise<Page> => {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.goto(server.url + path);
    return page;
  };

  beforeAll(async () => {
    server = await TestServer.start({ dashboardPath: '/' });
    const { supplier } = await server.createSupplier('Acme');
    const { supplier: other } = await server.createSupplier('Other');
    await server.createOrganization('retailer', 'Shop');
    const operator = await server.createOrganization('operator', 'Host');
    await createUser(server, supplier, 'clerk');
    await createUser(server, other, 'stranger');
    await createUser(server, operator, 'admin');
    browser = await launchChromium();
    clerk = await windowOf(browser, server, 'clerk');
    recordWrites(clerk, writes);
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
    expect(errors).toEqual([]);
  });

  test('a clerk creates a token, which works until it is revoked, and no other organization sees it', async () => {
    const page = await open('/access?tab=tokens');
    await page.getByRole('button', { name: 'Create token' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Nightly export');
    await dialog.getByRole('button', { name: 'Create token' }).click();
    const token = (await dialog.locator('pre').textContent()) ?? '';
    expect((await server.ask('GET', SKUS, { token })).status).toBe(200);
    await dialog.getByRole('button', { name: 'Close', exact: true }).last().click();

    const stranger = await windowOf(browser, server, 'stranger');
    const foreign = await open('/access?tab=tokens', stranger);
    await foreign.getByRole('heading', { name: 'API tokens' }).waitFor();
    await loaded(foreign);
    expect(await foreign.getByText('Nightly export').count()).toBe(0);
    await stranger.close();

    await page.getByRole('button', { name: 'Revoke Nightly export' }).click();
    await page.getByText('Programs that use “Nightly export” are refused').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page
      .getByRole('button', { name: 'Revoke Nightly export' })
      .waitFor({ state: 'detached' });
    await expect.poll(async () => (await server.ask('GET', SKUS, { token })).status).toBe(401);
    await page.close();
  });

  testOnce(
    'in a page of the origin, the TypeScript client updates and follows with a token, and says that browsers cannot stream',
    async () => {
      const { token } = await server.createSupplier('Browsing', [
        entry('B-1', { inventory: { quantityInStock: 1 } }),
      ]);
      const { output } = await build({
        input: fileURLToPath(new URL('../../client/src/index.ts', import.meta.url)),
        write: false,
        output: { format: 'esm' },
      });
      const [{ code: body }] = output;
      const context = await browser.newContext();
      await context.route('**/client.js', (route) =>
        route.fulfill({ contentType: 'text/javascript', body }),
      );
      const page = await open('/login', context);
      const given = JSON.stringify({ url: server.url, token });
      expect(await page.evaluate(`(${PROGRAM})(${given})`)).toEqual({
        statuses: [
          [0, 200],
          [1, 400],
          [2, 200],
        ],
        streamed: 'Browsers cannot stream requests: use inventory.update instead.',
        followed: [1, 7, 8],
      });
      await context.close();
    },
  );

  test('an operator opens a supplier, connects a retailer, and sets when it is late', async () => {
    const admin = await windowOf(browser, server, 'admin');
    recordWrites(admin, writes);
    const page = await open('/access', admin);
    await page.getByRole('link', { name: 'Acme' }).click();
    await page.getByRole('heading', { name: 'Acme' }).waitFor();
    await page.getByLabel('Reports every … minutes').fill('60');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await page.getByRole('combobox', { name: 'Connect to' }).click();
    await page.getByRole('option', { name: 'Shop' }).click();
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByRole('button', { name: 'Disconnect: Shop' }).waitFor();
    await admin.close();
  });

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
          paths: ['/timp/organizations/users/', '/timp/organizations/tokens/', '/timp/suppliers/'],
        },
      );
      await stranger.close();
    },
  );

  testOnce(
    'screens of access break no rule of axe in either theme, and tell another tenant nothing',
    async () => {
      const page = await open('/');
      const reads = readsOf(page);
      for (const tab of ['tokens', 'users', 'sessions', 'password']) {
        await page.goto(`${server.url}/access?tab=${tab}`);
        await page.getByRole('heading', { name: 'Access', exact: true }).waitFor();
        await page.getByRole('heading', { level: 2 }).waitFor();
        await loaded(page);
        await expectNoViolations(page, tab);
      }
      await page.close();
      const stranger = await windowOf(browser, server, 'stranger');
      await expectNothingOf(['Acme', 'clerk'], reads, { context: stranger, server });
      await stranger.close();
    },
  );
});
