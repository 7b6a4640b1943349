/** What holds for every screen. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { TestServer } from '../http/harness.ts';
import { drawn } from './chromium.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it is shown: each rule with the elements that break it. */
async function violationsOf(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  const options = rules === undefined ? '{}' : `{ runOnly: ${JSON.stringify(rules)} }`;
  const found: unknown = await page.evaluate(
    `axe.run(${options}).then(({ violations }) => violations.map(({ id, nodes: [{ html, failureSummary }] }) =>` +
      ' `${id}: ${html} ${failureSummary}`))',
  );
  return Array.isArray(found) ? found.map(String) : [`axe returned ${String(found)}`];
}

/** Fails if axe finds anything wrong with the page, in either theme. Themes differ in nothing but colours. */
export async function expectNoViolations(page: Page, screen: string): Promise<void> {
  await page.evaluate(axe);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
    await drawn(page);
    const rules = colorScheme === 'light' ? undefined : ['color-contrast'];
    const violations = await violationsOf(page, rules);
    expect([screen, colorScheme, violations]).toEqual([screen, colorScheme, []]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** The paths that a page reads from the API, without those that it waits for changes with. */
export function readsOf(page: Page): ReadonlySet<string> {
  const paths = new Set<string>();
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    const isRead = request.method() === 'GET' && pathname.startsWith('/timp/');
    if (isRead && !/[?&]wait=/.test(search) && !pathname.includes('/stream')) {
      paths.add(pathname + search);
    }
  });
  return paths;
}

/** Repeats reads in the session of a user of another organization: no response may have any of these texts. */
export async function expectNothingOf(
  texts: readonly string[],
  paths: Iterable<string>,
  { context, server }: { readonly context: BrowserContext; readonly server: TestServer },
): Promise<void> {
  for (const path of paths) {
    const response = await context.request.get(server.url + path, {
      headers: { 'onhand-dashboard': '1' },
    });
    const answer = await response.text();
    expect([path, texts.filter((text) => answer.includes(text))]).toEqual([path, []]);
  }
}

/** A request that changes something, as a page sent it. */
export interface Write {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer | null;
  readonly contentType: string;
}

/** Adds what the pages of a context write from now on, without logging in and out. */
export function recordWrites(context: BrowserContext, writes: Write[]): void {
  context.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    const isWrite = !['GET', 'HEAD'].includes(request.method());
    if (!isWrite || !pathname.startsWith('/timp/') || pathname.includes('/sessions/')) return;
    writes.push({
      method: request.method(),
      path: pathname + search,
      body: request.postDataBuffer(),
      contentType: request.headers()['content-type'] ?? 'application/json',
    });
  });
}

/**
 * Repeats writes in the session of a user of another organization: no response may have any of these texts, and
 * afterwards the owner reads at `paths` what it read before.
 */
export async function expectUnchangedBy(
  writes: readonly Write[],
  { context, server }: { readonly context: BrowserContext; readonly server: TestServer },
  owner: {
    readonly context: BrowserContext;
    readonly texts: readonly string[];
    readonly paths: readonly string[];
  },
): Promise<void> {
  const { texts, paths } = owner;
  const headers = { 'onhand-dashboard': '1' };
  const state = async (): Promise<readonly unknown[]> => {
    const answers: unknown[] = [];
    for (const path of paths) {
      const response = await owner.context.request.get(server.url + path, { headers });
      expect([path, response.status()]).toEqual([path, 200]);
      answers.push(await response.json());
    }
    return answers;
  };
  const before = await state();
  expect(writes).not.toEqual([]);
  for (const { method, path, body, contentType } of writes) {
    const response = await context.request.fetch(server.url + path, {
      method,
      headers: { ...headers, origin: server.url, 'content-type': contentType },
      ...(body !== null && { data: body }),
    });
    const answer = await response.text();
    const said = `${method} ${path}`;
    expect([said, texts.filter((text) => answer.includes(text))]).toEqual([said, []]);
  }
  expect(await state()).toEqual(before);
}

/** For what is the same on every database: runs on one. */
export const testOnce = process.env['TEST_STORE'] === 'postgres' ? test.skip : test;
