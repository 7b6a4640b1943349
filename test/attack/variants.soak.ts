import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { AttackedServer, createTenant, type Tenant } from './attacked-server.ts';
import { expectIsolated, printLatencies } from './second-tenant.ts';
import { VARIANTS } from './variants.ts';

const PROBE = new URL('loop-probe.ts', import.meta.url).href;
const MEASURED = join(tmpdir(), `onhand-vloop-${process.pid}.txt`);
let server: AttackedServer<{ supplier: Tenant; retailer: Tenant }>;
beforeAll(async () => {
  await writeFile(MEASURED, '');
  server = await AttackedServer.start({
    environment: { NODE_OPTIONS: `--import ${PROBE}`, LOOP_PROBE_FILE: MEASURED },
    prepare: async (store) => {
      const supplier = await createTenant(store, 'Attacker', { skus: 100_000 });
      const retailer = await createTenant(store, 'Retailer', { type: 'retailer' });
      const second = await store.accounts.findOrganization('Second tenant');
      await store.accounts.createConnection(second?.id ?? 0, retailer.id);
      return { supplier, retailer };
    },
  });
}, 300_000);
afterAll(async () => {
  await server.stop();
  await rm(MEASURED, { force: true });
});

test.for(VARIANTS)('$name', { timeout: 600_000 }, async ({ name, run }) => {
  const { url, prepared, secondTenant, nodes } = server;
  const before = await secondTenant.before();
  nodes[0]?.resetPeak();
  const beforeMib = nodes[0]?.residentMib() ?? 0;
  const from = (await readFile(MEASURED, 'utf8')).length;
  const startedMs = performance.now();
  const { latencies } = await secondTenant.during(run({ url, share: 1, ...prepared }));
  const worst = (await readFile(MEASURED, 'utf8')).slice(from).split('\n').slice(0, -1).map((l) => Number(l.split(' ')[1]));
  process.stderr.write(
    `${printLatencies(name, before, latencies)} worst ${latencies.worstMs.toFixed(0)}; loop ${Math.max(...worst).toFixed(0)}; rss ${beforeMib.toFixed(0)} -> ${(nodes[0]?.residentMib() ?? 0).toFixed(0)}; took ${((performance.now() - startedMs) / 1000).toFixed(1)} s; ${[...new Set(latencies.refused)].join(' | ')}\n`,
  );
  expectIsolated(latencies, 2000);
});
