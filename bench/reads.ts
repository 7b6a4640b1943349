import { skuIdOf } from './catalogue.ts';
import { quantile } from './statistics.ts';

interface Waits {
  readonly p99: number;
  readonly max: number;
}

const SKUS_ASKED_FOR = 1000;

/** One client that asks the same again and again, one request after another, until it is stopped. */
export class ReadProbe {
  readonly #url: string;
  readonly #init: () => RequestInit;
  readonly #tookMs: number[] = [];
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(server: string, path: string, token: string, init: () => RequestInit = () => ({})) {
    this.#url = server + path;
    this.#init = () => ({
      ...init(),
      headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
    });
    this.#done = this.#run();
  }

  static async ofOneSku(server: string, token: string): Promise<ReadProbe> {
    const reply = await fetch(`${server}/timp/products/skus/?limit=1`, {
      headers: { authorization: `Token ${token}` },
    });
    const uuid = /"uuid":"([0-9a-f-]+)"/.exec(await reply.text())?.[1] ?? '';
    return new ReadProbe(server, `/timp/products/skus/${uuid}/`, token);
  }

  static ofUpdates(server: string, token: string): ReadProbe {
    let count = 0;
    return new ReadProbe(server, '/timp/products/skus/inventory/', token, () => {
      count += 1;
      const line = { sku_id: skuIdOf(count % SKUS_ASKED_FOR), quantity_in_stock: count };
      return { method: 'POST', body: JSON.stringify(line) };
    });
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const startedMs = performance.now();
      const reply = await fetch(this.#url, this.#init());
      await reply.arrayBuffer();
      if (reply.status !== 200) throw new Error(`${this.#url} was answered ${reply.status}`);
      this.#tookMs.push(performance.now() - startedMs);
    }
  }

  async stop(): Promise<Waits> {
    this.#isStopped = true;
    await this.#done;
    return { p99: quantile(this.#tookMs, 0.99), max: quantile(this.#tookMs, 1) };
  }
}
