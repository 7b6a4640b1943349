import { expect } from 'vitest';
import type { Inventory } from '../../src/domain/inventory.ts';
import type { CatalogueEntry } from '../../src/domain/catalogue.ts';
import type { Product } from '../../src/domain/sku.ts';
import type { Batch, IdempotencyKey, LineDetail } from '../../src/domain/batches.ts';
import type { Store } from '../../src/store/store.ts';
import { Random } from '../random.ts';
import { batchOf, createSupplier, importSkus, succeeded } from './fixtures.ts';
import { Model, type ModelLine, type ComparableChange, type ModelResult } from './model.ts';

const SKU_IDS = ['a', 'b', 'c', 'd', 'é', '😀', 'g', 'h'];
const MISSING = ['nobody', 'A', 'nul\0', '\ud800'];
/** Written forms of five GTINs, so that SKUs share some. */
const FORMS: readonly { readonly gtin: number; readonly product: Partial<Product> }[] = [
  { gtin: 12_345_678_905, product: { upca: '012345678905' } },
  { gtin: 12_345_678_905, product: { gtin14: '00012345678905' } },
  { gtin: 96_385_074, product: { ean13: '96385074' } },
  { gtin: 4_006_381_333_931, product: { ean13: '4006381333931' } },
  { gtin: 9_780_306_406_157, product: { isbn: '0306406152' } },
  { gtin: 10_012_345_678_902, product: { gtin14: '10012345678902' } },
];
const UNKNOWN_GTIN = 9_790_060_115_615;
const BATCHES = 30;

/** Longer than any test run, so that steps before and after the present are unambiguous. */
const STEP_US = 1e15;

interface SentBatch {
  readonly uuid: string;
  readonly changes: readonly ComparableChange[];
}

interface Supplied {
  readonly supplierId: number;
  readonly model: Model;
  readonly batches: SentBatch[];
}

/** A batch with its expected results and changes. */
interface Sent {
  readonly supplied: Supplied;
  readonly batch: Batch;
  readonly expected: readonly ModelResult[];
  readonly changes: readonly ComparableChange[];
}

/**
 * Sends random batches of two suppliers, alone and in groups, to a store and to the model, and expects the same
 * results, inventory and changes.
 *
 * @param readChanges reads a supplier's changes from the database, in order
 * @param crash ends the store without notice; resolves with one that was opened on what it left
 */
export async function simulate(
  opened: Store,
  seed: number,
  readChanges: (
    supplierId: number,
  ) => Promise<readonly ComparableChange[]> | readonly ComparableChange[],
  crash?: () => Promise<Store>,
): Promise<void> {
  let store = opened;
  const random = new Random(seed);
  const suppliers: Supplied[] = [];
  for (const name of ['one', 'two']) {
    const supplierId = await createSupplier(store, `${name} of seed ${seed}`);
    suppliers.push({ supplierId, model: new Model(), batches: [] });
  }
  const crashes = new Random(seed);
  for (let step = 0; step < BATCHES; step += 1) {
    if (crash !== undefined && crashes.chance(0.1)) store = await crash();
    if (step < 2 || random.chance(0.2)) await importSome(store, random, random.pick(suppliers));
    else if (random.chance(0.15)) await revertOne(store, random, random.pick(suppliers));
    else await applyGroup(store, random, suppliers);
  }
  for (const { supplierId, model } of suppliers) {
    const { skus } = await store.skus.list({
      supplierIds: [supplierId],
      filter: {},
      from: { start: 0 },
      limit: 500,
    });
    expect(skus.map((sku) => [sku.skuId, sku.inventory])).toEqual(
      [...model.skus].map(([skuId, sku]) => [skuId, sku.inventory]),
    );
    expectSameChanges(await readChanges(supplierId), model.changes);
  }
}

async function applyGroup(
  store: Store,
  random: Random,
  suppliers: readonly Supplied[],
): Promise<void> {
  const group: Sent[] = [];
  const size = 1 + random.below(4);
  // A dry run sees the effects of its group, which the model does not simulate. So it runs alone.
  const dryRun = size === 1 && random.chance(0.3);
  for (let rest = size; rest > 0; rest -= 1) {
    const sent = sendOne(random, random.pick(suppliers), dryRun);
    group.push(sent);
    // A repetition with the same key changes nothing and has the same results.
    if (sent.batch.options?.idempotency !== undefined && random.chance(0.5)) group.push(sent);
  }
  const outcomes = await store.apply(group.map(({ batch }) => batch));
  for (const [i, { supplied, expected, changes }] of group.entries()) {
    const { uuid, statuses, details } = succeeded(outcomes[i]);
    const results = [...statuses].map((status, line) => resultOf(status, details.get(line)));
    expect(results).toEqual(expected);
    if (uuid !== null) supplied.batches.push({ uuid, changes });
  }
}

function sendOne(random: Random, supplied: Supplied, dryRun: boolean): Sent {
  const { model, supplierId } = supplied;
  const lines = withGroups(
    random,
    Array.from({ length: random.below(12) }, () => randomLine(random)),
  );
  const options = { atomic: random.chance(0.15), snapshot: random.chance(0.1) };
  const isKeyed = !dryRun && random.chance(0.3);
  const key = String(random.next());
  const batch: Batch = {
    ...batchOf(
      supplierId,
      lines.map(({ asOf, ...line }) => ({
        ...line,
        ...(asOf === undefined ? {} : { asOfUs: Date.now() * 1000 + asOf * STEP_US }),
      })),
    ),
    options: {
      dryRun,
      atomic: options.atomic,
      ...(options.snapshot ? { snapshot: { asOfUs: null, defaultSafetyLimit: NEVER } } : {}),
      ...(isKeyed ? { idempotency: idempotencyOf(key) } : {}),
    },
  };
  const target = dryRun ? model.copy() : model;
  const firstChange = target.changes.length;
  const expected = target.applyLines(lines, options);
  return { supplied, batch, expected, changes: target.changes.slice(firstChange) };
}

const NEVER = { percentMax: 100, skusMin: Number.MAX_SAFE_INTEGER };

function idempotencyOf(key: string): IdempotencyKey {
  const fingerprint = new TextEncoder().encode(key);
  return { key, fingerprint, requestId: key, expiresAtMs: Date.now() + 3_600_000 };
}

function resultOf(status: number, detail: LineDetail | undefined): ModelResult {
  if (detail === undefined) return { status };
  const { kind: reason } = detail;
  return detail.kind === 'ambiguous'
    ? { status, reason, candidates: detail.skuIds }
    : { status, reason };
}

async function revertOne(
  store: Store,
  random: Random,
  { supplierId, model, batches }: Supplied,
): Promise<void> {
  if (batches.length === 0) return;
  const { uuid, changes } = random.pick(batches);
  const [force, dryRun] = [random.chance(0.3), random.chance(0.2)];
  const target = dryRun ? model.copy() : model;
  const firstChange = target.changes.length;
  const expected = target.revert(changes, force);
  const outcome = await store.batches.revert({ supplierId, userId: null, uuid, force, dryRun });
  expect(new Map(outcome?.skus.map((sku) => [sku.skuId, sku.outcome]))).toEqual(expected);
  if (typeof outcome?.uuid === 'string') {
    batches.push({ uuid: outcome.uuid, changes: target.changes.slice(firstChange) });
  }
}

async function importSome(
  store: Store,
  random: Random,
  { supplierId, model }: Supplied,
): Promise<void> {
  const names = SKU_IDS.filter(() => random.chance(0.5));
  const entries = names.map((skuId) => {
    const blank = { upca: null, ean13: null, gtin14: null, isbn: null };
    const forms = FORMS.filter(() => random.chance(0.3));
    // The later of two forms in one column wins, so the GTINs are derived from the merged product.
    const product = forms.reduce<Partial<Product>>(
      (merged, form) => ({ ...merged, ...form.product }),
      blank,
    );
    const gtins = new Set(
      FORMS.filter((form) =>
        Object.entries(form.product).every(
          ([column, text]) => Reflect.get(product, column) === text,
        ),
      ).map((form) => form.gtin),
    );
    const entry: CatalogueEntry = { skuId, product, inventory: randomFields(random) };
    return { entry, gtins };
  });
  await importSkus(
    store,
    supplierId,
    entries.map(({ entry }) => entry),
  );
  model.applyEntries(entries);
}

function randomLine(random: Random): ModelLine {
  const skuId = random.chance(0.6) ? random.pick(random.chance(0.9) ? SKU_IDS : MISSING) : null;
  const gtins = FORMS.filter(() => random.chance(skuId === null ? 0.25 : 0.1)).map(
    (form) => form.gtin,
  );
  if (random.chance(0.05)) gtins.push(UNKNOWN_GTIN);
  if (skuId === null && gtins.length === 0) gtins.push(random.pick(FORMS).gtin);
  // A line has at most four GTIN members, each once.
  const named = { skuId, gtins: [...new Set(gtins)].slice(0, 4) };
  if (random.chance(0.05)) {
    return { ...named, fields: {}, refusal: { message: 'unreadable', namesRead: true } };
  }
  const { quantityInStock, ...others } = randomFields(random);
  const stock = quantityInStock === undefined ? {} : { quantityInStock };
  const isRelative = random.chance(0.1);
  return {
    ...named,
    fields: isRelative ? others : { ...others, ...stock },
    ...(isRelative ? { stockChange: random.pick([-1, 1, 2_147_483_647]) } : {}),
    ...(random.chance(0.1) ? { asOf: random.pick([-1, 1, 2, 3]) } : {}),
    ...(random.chance(0.1) ? { expectedQuantity: random.pick([null, 0, 1]) } : {}),
  };
}

/** Groups some adjacent lines. */
function withGroups(random: Random, lines: readonly ModelLine[]): readonly ModelLine[] {
  if (!random.chance(0.3)) return lines;
  let group = 1;
  return lines.map((line) => {
    if (random.chance(0.4)) group += 1;
    return group % 2 === 0 ? line : { ...line, group };
  });
}

/** Few values, so that lines often change nothing or restore an earlier value. */
function randomFields(random: Random): Partial<Inventory> {
  return {
    ...(random.chance(0.7) ? { quantityInStock: random.pick([null, 0, 1, 2_147_483_647]) } : {}),
    ...(random.chance(0.3) ? { quantityOnBackorder: random.pick([null, 0, 7]) } : {}),
    ...(random.chance(0.2) ? { backorderDate: random.pick([null, 20_270_131]) } : {}),
    ...(random.chance(0.2) ? { restrictions: random.pick([null, 1, 2]) } : {}),
  };
}

/** The order of changes within a batch is not specified, so they are compared SKU by SKU. */
function expectSameChanges(
  held: readonly ComparableChange[],
  expected: readonly ComparableChange[],
): void {
  expect(held.map((change) => change.sequence)).toEqual(expected.map((_, i) => i + 1));
  expect(bySku(held)).toEqual(bySku(expected));
}

function bySku(changes: readonly ComparableChange[]) {
  return Map.groupBy(
    changes.map(({ skuId, before, after }) => ({ skuId, before, after })),
    (change) => change.skuId,
  );
}
