import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import type { TestServer } from '../http/harness.ts';

/** Debian's. */
const EXECUTABLE = '/usr/bin/chromium';
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
const HOUR_MS = 3_600_000;

/** Whether the tests in a browser can run; they are skipped, and say so, where there is none. */
export const hasChromium = existsSync(EXECUTABLE);

if (!hasChromium) {
  process.stderr.write(`Skipped the tests of the dashboard: there is no ${EXECUTABLE}.\n`);
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
}

/** A browser window of a user who is logged in. It skips the check of the password, which takes long on purpose. */
export async function windowOf(
  browser: Browser,
  server: TestServer,
  username: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const user = await server.store.accounts.findUser(username);
  if (user === undefined) throw new Error(`there is no user ${username}`);
  const token = newToken();
  await server.store.accounts.createToken({
    userId: user.id,
    tokenHash: hashToken(token),
    permissions: user.permissions,
    expiresAtMs: Date.now() + HOUR_MS,
    kind: 'session',
    client: { userAgent: 'Chromium', address: '127.0.0.1' },
  });
  await context.addCookies([
    { name: 'onhand', value: token, url: server.url, httpOnly: true, sameSite: 'Strict' },
  ]);
  return context;
}

/** Resolves once the page has been drawn as it is now. */
export async function drawn(page: Page): Promise<void> {
  await page.evaluate(
    'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
  );
}

/** Resolves once no part of the page is loading. */
export async function loaded(page: Page): Promise<void> {
  await page.getByRole('status', { name: 'Loading…' }).first().waitFor({ state: 'detached' });
}
