import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { at } from '../http/answers.ts';
import { TestServer } from '../http/harness.ts';
import { SupplierClient } from '../http/inventory/written.ts';
import { textMatching } from '../matching.ts';
import { entry } from '../store/fixtures.ts';
import { Workplace, type Ended } from './onhand.ts';

/** Processes start slowly while other tests run. */
const LONG = { timeout: 30_000 };
const RESUME = /^Resume with --after (\S+)$/m;

let work: Workplace;
let server: TestServer;
let suppliers = 0;

beforeAll(async () => {
  [work, server] = await Promise.all([Workplace.make(), TestServer.start()]);
});
afterAll(async () => {
  await server.stop();
  await work.remove();
});

/** A supplier with one SKU, so far unknown. */
async function newSupplier(): Promise<SupplierClient> {
  suppliers += 1;
  const { token } = await server.createSupplier(`Changes ${suppliers}`, [entry('A')]);
  return new SupplierClient(server, token);
}

const setTo = (client: SupplierClient, ...stocks: readonly number[]): Promise<void> =>
  stocks.reduce(async (before, quantity) => {
    await before;
    await client.single({ sku_id: 'A', quantity_in_stock: quantity });
  }, Promise.resolve());

function changes(token: string, ...args: readonly string[]): Promise<Ended> {
  const environment = { ONHAND_TOKEN: token };
  return work.run(['changes', '--url', server.url, ...args], { environment });
}

const stockIn = (line: string): unknown => at(JSON.parse(line), 'after', 'quantity_in_stock');

/** What was in stock after each change that was printed. */
function stocksIn({ stdout }: Pick<Ended, 'stdout'>): readonly unknown[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(stockIn);
}

function cursorIn({ stderr }: Pick<Ended, 'stderr'>): string {
  const cursor = RESUME.exec(stderr)?.[1];
  if (cursor === undefined) throw new Error(`no cursor: ${stderr}`);
  return cursor;
}

/** A command that follows changes. */
class Following {
  readonly #child: ReturnType<Workplace['start']>;
  readonly #lines: AsyncIterator<string>;
  readonly #stderr: Promise<string>;

  constructor(token: string, url: string, ...args: readonly string[]) {
    this.#child = work.start(['changes', '--follow', '--url', url, ...args], {
      ONHAND_TOKEN: token,
    });
    onTestFinished(() => {
      this.#child.kill('SIGKILL');
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('the process has no output streams');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#stderr = text(stderr);
  }

  /** What is in stock after the next so many changes, waiting for them. */
  async next(count: number): Promise<readonly unknown[]> {
    const stocks: unknown[] = [];
    while (stocks.length < count) {
      const line = await this.#lines.next();
      if (line.done === true) throw new Error(`it ended: ${await this.#stderr}`);
      stocks.push(stockIn(line.value));
    }
    return stocks;
  }

  /** Ends it; gives its exit code and what it said on stderr. */
  async end(signal: NodeJS.Signals): Promise<Pick<Ended, 'code' | 'stderr'>> {
    const closed = once(this.#child, 'close');
    this.#child.kill(signal);
    await closed;
    return { code: this.#child.exitCode, stderr: await this.#stderr };
  }
}

describe('onhand changes', () => {
  test('prints all stored changes, oldest first, and the cursor to resume from', LONG, async () => {
    const acme = await newSupplier();
    await setTo(acme, 1, 2, 3);
    const first = await changes(acme.token);
    expect(first.code).toBe(0);
    expect(stocksIn(first)).toEqual([1, 2, 3]);
    await setTo(acme, 4);
    const second = await changes(acme.token, '--after', cursorIn(first));
    expect([second.code, stocksIn(second)]).toEqual([0, [4]]);
    const now = await changes(acme.token, '--from', 'now');
    expect([now.code, now.stdout, now.stderr]).toEqual([0, '', textMatching(RESUME)]);
  });

  test('reports an error in one line, also with --follow', LONG, async () => {
    const acme = await newSupplier();
    const asked = await Promise.all([
      changes('0'.repeat(40)),
      changes('0'.repeat(40), '--follow'),
      changes(acme.token, '--after', 'nonsense'),
      changes(acme.token, '--follow', '--after', 'nonsense'),
      changes(acme.token, '--url', 'http://127.0.0.1:1'),
    ]);
    const [unauthorized, invalid] = [
      /^onhand: The server answered 401: .*\n$/,
      /^onhand: The server answered 400: .*\n$/,
    ];
    expect(asked).toMatchObject(
      [unauthorized, unauthorized, invalid, invalid, /^onhand: No server responds at .*\n$/].map(
        (said) => ({ code: 1, stdout: '', stderr: textMatching(said) }),
      ),
    );
  });
});

describe('onhand changes --follow', () => {
  test('prints changes as they happen, and the cursor when it is interrupted', LONG, async () => {
    const acme = await newSupplier();
    await setTo(acme, 1);
    const following = new Following(acme.token, server.url);
    expect(await following.next(1)).toEqual([1]);
    await setTo(acme, 2, 3);
    expect(await following.next(2)).toEqual([2, 3]);
    const stopped = await following.end('SIGINT');
    expect(stopped.code).toBe(0);

    await setTo(acme, 4, 5);
    const resumed = new Following(acme.token, server.url, '--after', cursorIn(stopped));
    expect(await resumed.next(2)).toEqual([4, 5]);
    const terminated = await resumed.end('SIGTERM');
    expect(terminated.code).toBe(0);
    expect(stocksIn(await changes(acme.token, '--after', cursorIn(terminated)))).toEqual([]);
  });

  test(
    'continues after a restart of the server without missing or repeating a change',
    LONG,
    async () => {
      const own = await TestServer.start();
      onTestFinished(() => own.stop());
      const { token } = await own.createSupplier('Acme', [entry('A')]);
      const acme = new SupplierClient(own, token);
      await setTo(acme, 1);
      const following = new Following(token, own.url);
      expect(await following.next(1)).toEqual([1]);

      await setTo(acme, 2);
      await own.restart();
      await setTo(acme, 3);
      expect(await following.next(2)).toEqual([2, 3]);
      expect(await following.end('SIGINT')).toMatchObject({
        code: 0,
        stderr: textMatching(RESUME),
      });
    },
  );
});
