import { afterAll, beforeAll, expect, test } from 'vitest';
import { AttackedServer, createTenant, type Tenant } from './attacked-server.ts';
import { LoopDelays } from './loop-delays.ts';
import { expectIsolated, printLatencies } from './second-tenant.ts';
import { CATALOGUE_VARIANTS } from './catalogue-variants.ts';
import { CONTENT_VARIANTS } from './content-variants.ts';
import { FILE_VARIANTS } from './file-variants.ts';
import { HTTP_VARIANTS } from './http-variants.ts';
import { attackFromOutside } from './outside-attack.ts';
import { VARIANTS } from './variants.ts';

/** Bounds of a machine with nothing else to do. */
const P99_MS_MAX = 3000;
const GROWTH_MIB_MAX = 500;
const ATTACKER_SKUS = Number(process.env['ATTACK_SKUS'] ?? 100_000);
/** A smaller share of each attack, for a busy machine. */
const SHARE = Number(process.env['ATTACK_SHARE'] ?? 1);

const loop = new LoopDelays();
let server: AttackedServer<{ readonly supplier: Tenant; readonly retailer: Tenant }>;

beforeAll(async () => {
  server = await AttackedServer.start({
    environment: {
      ...(await loop.environment()),
      ONHAND_WEBHOOKS_ALLOW_HTTP: 'true',
      ONHAND_WEBHOOKS_ALLOW_PRIVATE_NETWORKS: 'true',
    },
    prepare: async (store) => {
      const supplier = await createTenant(store, 'Attacker', { skus: ATTACKER_SKUS });
      const retailer = await createTenant(store, 'Retailer', { type: 'retailer' });
      const second = await store.accounts.findOrganization('Second tenant');
      await store.accounts.createConnection(second?.id ?? 0, retailer.id);
      return { supplier, retailer };
    },
  });
}, 300_000);
afterAll(async () => {
  await server.stop();
  await loop.remove();
});

const ALL = [
  ...VARIANTS,
  ...HTTP_VARIANTS,
  ...FILE_VARIANTS,
  ...CONTENT_VARIANTS,
  ...CATALOGUE_VARIANTS,
];

test.for(ALL)('$name: a second tenant works on', { timeout: 600_000 }, async (variant) => {
  const { url, prepared, secondTenant, nodes } = server;
  const before = await secondTenant.before();
  for (const node of nodes) node.resetPeak();
  const beforeMib = server.residentMib();
  const delays = await loop.during(async () => {
    const measured = (): Promise<void> => secondTenant.worked();
    const attack = attackFromOutside(variant.name, { url, share: SHARE, measured, ...prepared });
    const { latencies } = await secondTenant.during(attack);
    const growthMib = server.residentMib() - beforeMib;
    if (process.env['ATTACK_REPORT'] !== undefined) {
      const figures = printLatencies(variant.name, before, latencies);
      process.stderr.write(`${figures}; resident memory +${growthMib.toFixed(0)} MiB`);
    }
    expectIsolated(latencies, P99_MS_MAX);
    expect(growthMib).toBeLessThan(GROWTH_MIB_MAX);
  });
  if (process.env['ATTACK_REPORT'] !== undefined) {
    process.stderr.write(
      `; event loop at worst ${delays.worstMs.toFixed(0)} ms, slice ${delays.sliceMs.toFixed(0)} ms, late ${(delays.lateShare * 100).toFixed(1)} %\n`,
    );
  }
});
