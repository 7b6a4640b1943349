/** Draws a script from a seed. */
import type { Inventory } from '../../src/domain/inventory.ts';
import type { SafetyLimit } from '../../src/domain/safety-limit.ts';
import { Random } from '../random.ts';
import type { ModelLine } from '../store/model.ts';
import { FAULTS, RESTARTS } from './disk.ts';
import { FORMS, SKU_IDS, SUPPLIERS, UNKNOWN_GTIN } from './world.ts';
import type { EntryStep, LinesCall, Script, Step, WriteCall } from './steps.ts';

const MISSING = ['nobody', 'A', 'nul\0', '\ud800'];
const NEVER: SafetyLimit = { percentMax: 100, skusMin: Number.MAX_SAFE_INTEGER };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function generate(seed: number, length: number): Script {
  const random = new Random(seed);
  const openings = Array.from({ length: 3 }, () => ({
    recentChangesMax: random.pick([1, 6, 50, 1_000_000]),
    largeBatchLines: random.pick([1, 3, 8, 1_000_000]),
  }));
  const steps: Step[] = SUPPLIERS.map((_, supplier) => ({
    do: 'calls',
    calls: [{ do: 'import', supplier, existing: 'update', entries: entriesOf(random, 0.9) }],
  }));
  // Some scripts have a second process, and some have faults.
  const traits = {
    second: random.chance(0.3),
    faults: random.chance(0.3),
    crash: random.pick([0.1, 0.3, 0.5]),
  };
  while (steps.length < length) {
    if (random.chance(traits.crash)) steps.push(...crashOf(random, traits.second));
    if (traits.faults && random.chance(0.1)) steps.push(faultOf(random));
    steps.push(stepOf(random, traits.second));
  }
  steps.push({ do: 'check', doctor: true });
  return { seed, openings, steps };
}

/** A power cut, or the end of a process and perhaps a power cut right afterwards. */
function crashOf(random: Random, hasSecond: boolean): readonly Step[] {
  const after = 1 + random.below(random.pick([10, 60]));
  const leaves = random.pick(RESTARTS.filter((mode) => mode !== 'process'));
  if (random.chance(0.25)) {
    const who = hasSecond && random.chance(0.5) ? { who: 'second' as const } : {};
    const kill: Step = { do: 'kill', after: random.chance(0.1) ? 0 : after, ...who };
    if (random.chance(0.6)) return [kill];
    // A commit that was written but not synced must not be shown and then lost.
    const write: Step = { do: 'calls', calls: callsOf(random) };
    return [{ ...kill, after: -1 }, write, { do: 'cut', after: 1, leaves }];
  }
  const again = random.chance(0.2) ? { again: 1 + random.below(20) } : {};
  return [{ do: 'cut', after, ...again, leaves }];
}

function faultOf(random: Random): Step {
  // Failed syncs lose the most.
  const kind = random.chance(0.4)
    ? 'sync'
    : random.pick(FAULTS.filter((fault) => fault !== 'slow'));
  return { do: 'fault', kind, after: 1 + random.below(30), times: random.pick([1, 1, 3, 100]) };
}

function stepOf(random: Random, hasSecond: boolean): Step {
  const by = hasSecond && random.chance(0.4) ? { by: 'second' as const } : {};
  const draw = random.below(100);
  if (draw < 45) return { do: 'calls', calls: callsOf(random), ...by };
  if (draw < 60) {
    const batches = Array.from({ length: 1 + random.below(4) }, () =>
      linesOf(random, random.below(SUPPLIERS.length), false),
    );
    // A dry run sees what other batches of its group do.
    return { do: 'group', batches, ...by };
  }
  if (draw < 64) {
    const limit = random.chance(0.4) ? null : limitOf(random);
    return { do: 'limit', supplier: random.below(SUPPLIERS.length), limit };
  }
  if (draw < 68) return { do: 'drop', ageMs: random.pick([-1, HOUR_MS, DAY_MS, 10 * DAY_MS]) };
  if (draw < 71) return { do: 'sweep' };
  if (draw < 72) return { do: 'probe' };
  if (draw < 82) {
    const forgets = random.chance(0.3) ? { forgets: true as const } : {};
    return { do: 'follow', limit: 1 + random.below(20), ...forgets };
  }
  if (draw < 86) return { do: 'jump', ms: random.pick([-1, 1]) * random.below(40 * DAY_MS) };
  if (draw < 92) return { do: 'idle', ms: random.pick([1, 200, 500, 2 * HOUR_MS]) };
  if (draw < 94 && hasSecond) return { do: 'second' };
  if (draw < 96) return { do: 'restart' };
  return { do: 'check', ...(random.chance(0.2) ? { doctor: true } : {}) };
}

function limitOf(random: Random): SafetyLimit {
  return { percentMax: random.pick([0, 20, 50, 80]), skusMin: random.pick([1, 2, 3]) };
}

/** Calls at the same time. The store keeps the order only between a supplier's batches of lines. */
function callsOf(random: Random): readonly WriteCall[] {
  const calls: WriteCall[] = [];
  const isAlone = random.chance(0.5);
  for (const supplier of SUPPLIERS.keys()) {
    if (isAlone && calls.length > 0) break;
    if (random.chance(0.3)) continue;
    const draw = random.below(100);
    if (draw < 25) calls.push(revertOf(random, supplier));
    else if (draw < 40) {
      const existing = random.chance(0.2) ? 'refuse' : 'update';
      calls.push({ do: 'import', supplier, existing, entries: entriesOf(random, 0.4) });
    } else {
      const count = random.pick([1, 1, 2, 3]);
      for (let i = 0; i < count; i += 1) calls.push(linesOf(random, supplier));
    }
  }
  return calls;
}

function revertOf(random: Random, supplier: number): WriteCall {
  return {
    do: 'revert',
    supplier,
    back: random.chance(0.6) ? 0 : random.below(12),
    ...(random.chance(0.4) ? { force: true } : {}),
    ...(random.chance(0.1) ? { dryRun: true } : {}),
  };
}

function linesOf(random: Random, supplier: number, mayBeDry = true): LinesCall {
  const size = random.pick([0, 1, 1, 2, 5, 12, 24]);
  const lines = Array.from({ length: size }, () => lineOf(random));
  const key = `k${random.below(6)}`;
  return {
    do: 'lines',
    supplier,
    lines: withGroups(random, lines),
    ...(random.chance(0.15) ? { atomic: true } : {}),
    ...(mayBeDry && random.chance(0.1) ? { dryRun: true } : {}),
    ...(random.chance(0.12) ? { snapshot: random.chance(0.5) ? NEVER : limitOf(random) } : {}),
    ...(random.chance(0.1) ? { confirmed: true } : {}),
    ...(random.chance(0.35)
      ? {
          key: {
            name: key,
            body: `b${random.below(4)}`,
            validMs: random.pick([1, HOUR_MS, DAY_MS]),
          },
        }
      : {}),
  };
}

function lineOf(random: Random): ModelLine {
  const skuId = random.chance(0.75) ? random.pick(random.chance(0.95) ? SKU_IDS : MISSING) : null;
  const gtins = FORMS.filter(() => random.chance(skuId === null ? 0.2 : 0.05)).map(
    ({ gtin }) => gtin,
  );
  if (random.chance(0.02)) gtins.push(UNKNOWN_GTIN);
  if (skuId === null && gtins.length === 0) gtins.push(random.pick(FORMS).gtin);
  const named = { skuId, gtins: [...new Set(gtins)].slice(0, 4) };
  if (random.chance(0.03)) {
    return { ...named, fields: {}, refusal: { message: 'unreadable', namesRead: true } };
  }
  const { quantityInStock, ...others } = fieldsOf(random);
  const stock = quantityInStock === undefined ? {} : { quantityInStock };
  const isRelative = random.chance(0.2);
  return {
    ...named,
    fields: isRelative ? others : { ...others, ...stock },
    ...(isRelative ? { stockChange: random.pick([-1, 1, 1, 3, 2_147_483_647]) } : {}),
    ...(random.chance(0.1) ? { asOf: random.pick([-1, 1, 2, 3]) } : {}),
    ...(random.chance(0.1) ? { expectedQuantity: random.pick([null, 0, 1, 5]) } : {}),
  };
}

/** Groups some adjacent lines. */
function withGroups(random: Random, lines: readonly ModelLine[]): readonly ModelLine[] {
  if (!random.chance(0.2)) return lines;
  let group = 1;
  return lines.map((line) => {
    if (random.chance(0.4)) group += 1;
    return group % 2 === 0 ? line : { ...line, group };
  });
}

/** Few values, so that lines often change nothing or restore an earlier value. */
function fieldsOf(random: Random): Partial<Inventory> {
  return {
    ...(random.chance(0.8)
      ? { quantityInStock: random.pick([null, 0, 1, 5, 1 + random.below(1000), 2_147_483_647]) }
      : {}),
    ...(random.chance(0.2) ? { quantityOnBackorder: random.pick([null, 0, 7]) } : {}),
    ...(random.chance(0.1) ? { backorderDate: random.pick([null, 20_270_131]) } : {}),
    ...(random.chance(0.15) ? { restrictions: random.pick([null, 1, 2]) } : {}),
  };
}

function entriesOf(random: Random, part: number): readonly EntryStep[] {
  return SKU_IDS.filter(() => random.chance(part)).map((skuId) => ({
    skuId,
    ...(part < 0.5 && random.chance(0.2) ? { retires: true } : {}),
    forms: FORMS.flatMap((_, form) => (random.chance(0.15) ? [form] : [])),
    inventory: fieldsOf(random),
  }));
}
