import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/accounts/credentials.ts';
import { PERMISSIONS_OF_TYPE, type DemoLogin } from '../../src/domain/parties.ts';
import { startServer, type RunningServer } from '../../src/server.ts';
import { sqliteDatabase, type TestDatabase, testSettings } from '../store/fixtures.ts';
import { hasChromium, launchChromium } from './chromium.ts';

const CLERK: DemoLogin = {
  username: 'clerk',
  password: 'demo',
  organization: 'Demo Supplier',
  type: 'supplier',
};

describe.skipIf(!hasChromium)('the first visit to the dashboard', () => {
  let database: TestDatabase;
  let server: RunningServer;
  let browser: Browser;

  beforeAll(async () => {
    database = await sqliteDatabase();
    server = await startServer(testSettings(database, { dashboardPath: '/' }), undefined, [CLERK]);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    await database.remove();
  });

  test('the set-up link creates the operator and logs it in', async () => {
    const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
    await page.goto(`${server.url}/setup#${server.setupSecret}`);
    await page.getByLabel('Name of the operator').fill('Host');
    await page.getByLabel('Username').fill('root');
    await page.getByRole('textbox', { name: 'Password' }).fill('four quite random words');
    await page.getByRole('button', { name: 'Create the operator' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(new URL(page.url()).hash).toBe('');
  });

  test('a visitor of the demo logs in with one click', async () => {
    const { accounts } = server.store;
    const { id } = await accounts.createOrganization({ type: 'supplier', name: 'Demo Supplier' });
    await accounts.createUser({
      organizationId: id,
      username: CLERK.username,
      passwordHash: await hashPassword(CLERK.password),
      permissions: PERMISSIONS_OF_TYPE.supplier,
    });
    const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
    await page.goto(server.url);
    await page.getByRole('button', { name: 'Supplier of Demo Supplier' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
});
