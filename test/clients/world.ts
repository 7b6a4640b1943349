import { at } from '../http/answers.ts';
import { BULK, SKUS, TestServer } from '../http/harness.ts';
import { entry } from '../store/fixtures.ts';
import { CuttingProxy } from './cutting-proxy.ts';
import { INPUT_DEFAULTS, type ProgramInput, type Scenario } from './scenarios.ts';
import { startStranger } from './strangers.ts';

const BATCHES = '/timp/products/skus/inventory/batches/';

/** A server with one supplier. */
export class World {
  readonly server: TestServer;
  readonly token: string;
  readonly supplierName: string;

  constructor(server: TestServer, token: string, supplierName: string) {
    this.server = server;
    this.token = token;
    this.supplierName = supplierName;
  }

  /** The stock of all SKUs together. */
  async stockTotal(): Promise<number> {
    let total = 0;
    for (let start: number | null = 0; start !== null;) {
      const answer = await this.server.ask('GET', `${SKUS}?limit=500&start=${start}`, this);
      const skus = at(answer.json, 'skus');
      if (!Array.isArray(skus)) throw new Error(answer.text);
      for (const sku of skus) total += Number(at(sku, 'quantity_in_stock'));
      const next = at(answer.json, 'pagination', 'next_start_index');
      start = typeof next === 'number' ? next : null;
    }
    return total;
  }

  async batchCount(): Promise<number> {
    const answer = await this.server.ask('GET', `${BATCHES}?limit=1`, this);
    return Number(at(answer.json, 'pagination', 'total_count'));
  }

  /** Sets the stock of the first SKUs. */
  async setAll(count: number, quantity: number): Promise<void> {
    const body = Array.from({ length: count }, (_, i) => ({
      sku_id: `S${i}`,
      quantity_in_stock: quantity,
    }));
    const answer = await this.server.ask('POST', BULK, { token: this.token, body });
    if (answer.status !== 200) throw new Error(answer.text);
  }
}

/** What is between a program and the server. */
interface Way {
  readonly url: string;
  stop(): Promise<void>;
}

async function wayTo({ url }: TestServer, { cuts, stranger }: Scenario): Promise<Way> {
  if (cuts !== undefined) return CuttingProxy.start(url, cuts);
  return stranger === undefined
    ? { url, stop: () => Promise.resolve() }
    : startStranger(stranger(url));
}

let suppliers = 0;

/**
 * Arranges a scenario, runs its program, and checks the output.
 *
 * @param run runs a program of a client with its input, and returns what it returns
 */
export async function play(
  server: TestServer,
  scenario: Scenario,
  run: (program: string, input: ProgramInput) => Promise<unknown>,
): Promise<void> {
  const { program, skus, input, meanwhile, check } = scenario;
  suppliers += 1;
  const name = `Supplier ${suppliers}`;
  const entries = Array.from({ length: skus }, (_, i) =>
    entry(`S${i}`, {
      inventory: { quantityInStock: 0 },
      ...(i === 0 && { product: { upca: '012345678905' } }),
    }),
  );
  const { token } = await server.createSupplier(name, entries);
  const world = new World(server, token, name);
  const way = await wayTo(server, scenario);
  try {
    const { url } = way;
    const [output] = await Promise.all([
      run(program, { ...INPUT_DEFAULTS, ...input, url, token }),
      meanwhile?.(world),
    ]);
    await check(output, world);
  } finally {
    await way.stop();
  }
}
