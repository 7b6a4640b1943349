import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createUser } from '../http/accounts/browser.ts';
import { TestServer } from '../http/harness.ts';
import { hasChromium, launchChromium, windowOf } from '../dashboard/chromium.ts';
import { importSkus } from '../store/fixtures.ts';

const SKUS = 1_000_000;
const BATCH = 10_000;
const ROUNDS = 5;
const FIRST_ROWS_MS = 1000;
/** How long the rows of a place to which the reader jumps may take to be read. */
const JUMP_MS = 300;
const PLACES = [0.5, 0.9, 0.1, 1, 0.33];

interface Jump {
  /** Frames in which part of the view had no row at all, not even one that is being read: the browser scrolls before a page draws. */
  readonly blankFrames: number;
  /** Until each row in view showed its SKU. */
  readonly tookMs: number;
}

/** Moves the scrollbar, and looks at each frame until the rows in view are read. */
const JUMP = `async (place) => {
  const list = document.querySelector('[role=table]');
  const began = performance.now();
  list.scrollTop = (list.scrollHeight - list.clientHeight) * place;
  for (let blankFrames = 0; ; ) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const view = list.getBoundingClientRect();
    const rows = [...list.querySelectorAll('[role=row]')].slice(1).filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return bottom > view.top && top < view.bottom;
    });
    const heights = rows.map((row) => row.getBoundingClientRect().height);
    const head = list.querySelector('[role=row]').getBoundingClientRect().height;
    if (heights.reduce((sum, height) => sum + height, 0) < view.height - head - 4) blankFrames += 1;
    else if (rows.every((row) => !row.hasAttribute('data-unread')))
      return { blankFrames, tookMs: performance.now() - began };
    if (performance.now() - began > 20000) return { blankFrames, tookMs: Infinity };
  }
}`;

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Infinity;
}

describe.skipIf(!hasChromium)('the SKU list of a million SKUs in a browser', () => {
  let server: TestServer;
  let browser: Browser;
  let clerk: BrowserContext;

  beforeAll(async () => {
    server = await TestServer.start({ dashboardPath: '/' });
    const { supplier } = await server.createSupplier('Million', []);
    for (let first = 0; first < SKUS; first += BATCH) {
      const entries = Array.from({ length: BATCH }, (_, place) => ({
        skuId: `SKU-${String((first + place) * 7919).slice(-6)}-${first + place}`,
        product: { title: `Enamel jug ${first + place}` },
        inventory: { quantityInStock: (first + place) % 500 },
      }));
      await importSkus(server.store, supplier.id, entries);
    }
    await createUser(server, supplier, 'clerk');
    browser = await launchChromium();
    clerk = await windowOf(browser, server, 'clerk');
  }, 600_000);
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  /** Opens the list; resolves with the page and when its first rows were drawn. */
  const open = async (): Promise<{ readonly page: Page; readonly tookMs: number }> => {
    const page = await clerk.newPage();
    const began = performance.now();
    await page.goto(`${server.url}/skus`);
    await page.locator('[data-stock="10"]').waitFor();
    return { page, tookMs: performance.now() - began };
  };

  test('shows its first rows within a second', async () => {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { page, tookMs } = await open();
      times.push(tookMs);
      await page.close();
    }
    process.stderr.write(`first rows: ${times.map(Math.round).join(', ')} ms\n`);
    expect(median(times)).toBeLessThanOrEqual(FIRST_ROWS_MS);
  });

  test('has rows from the second frame after a jump of the scrollbar, and soon what is in them', async () => {
    const { page } = await open();
    const jumps: Jump[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const place of PLACES) jumps.push(await page.evaluate<Jump>(`(${JUMP})(${place})`));
    }
    const times = jumps.map(({ tookMs }) => tookMs);
    process.stderr.write(`rows after a jump: ${times.map(Math.round).join(', ')} ms\n`);
    expect(jumps.filter(({ blankFrames }) => blankFrames > 1)).toEqual([]);
    expect(median(times)).toBeLessThanOrEqual(JUMP_MS);
  });

  test('reaches the last SKU', async () => {
    const { page } = await open();
    await page.evaluate(`(${JUMP})(1)`);
    await page.locator(`[data-stock="${SKUS - 1}"]`).waitFor();
  });
});
