import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { AttackedServer, createTenant } from './attacked-server.ts';
import { attackFromOutside } from './outside-attack.ts';
import { CATALOGUE_VARIANTS } from './catalogue-variants.ts';
import { CONTENT_VARIANTS } from './content-variants.ts';
import { FILE_VARIANTS } from './file-variants.ts';
import { HTTP_VARIANTS } from './http-variants.ts';
import { VARIANTS } from './variants.ts';
const [pattern = '', share = '0.1', skus = '1000', prof] = process.argv.slice(2);
const ALL = [...VARIANTS, ...HTTP_VARIANTS, ...FILE_VARIANTS, ...CONTENT_VARIANTS, ...CATALOGUE_VARIANTS];
const probe = `/tmp/a14/probe-${process.pid}.txt`;
writeFileSync(probe, '');
if (prof) mkdirSync(prof, { recursive: true });
const PROBE = new URL('loop-probe.ts', import.meta.url).href;
const server = await AttackedServer.start({
  environment: {
    NODE_OPTIONS: `--import ${PROBE}${prof ? ` --cpu-prof --cpu-prof-dir=${prof} --cpu-prof-interval 2000` : ''}`,
    LOOP_PROBE_FILE: probe, ONHAND_WEBHOOKS_ALLOW_HTTP: 'true', ONHAND_WEBHOOKS_ALLOW_PRIVATE_NETWORKS: 'true',
    ...JSON.parse(process.env['A14_ENV'] ?? '{}'),
  },
  prepare: async (store) => {
    const supplier = await createTenant(store, 'Attacker', { skus: Number(skus) });
    const retailer = await createTenant(store, 'Retailer', { type: 'retailer' });
    const second = await store.accounts.findOrganization('Second tenant');
    await store.accounts.createConnection(second?.id ?? 0, retailer.id);
    return { supplier, retailer };
  },
});
for (const v of ALL.filter(({ name }) => new RegExp(pattern).test(name))) {
  const before = await server.secondTenant.before(10);
  server.nodes[0]?.resetPeak();
  const mib = server.residentMib();
  const cpu = server.nodes[0]?.cpuMs() ?? 0;
  const from = readFileSync(probe, 'utf8').length;
  const t0 = performance.now();
  let error = '';
  const { latencies: d } = await server.secondTenant.during(
    attackFromOutside(v.name, { url: server.url, share: Number(share), measured: () => server.secondTenant.worked(), ...server.prepared }).catch((e: unknown) => { error = String(e); }), 10);
  const w = readFileSync(probe, 'utf8').slice(from).split('\n').slice(0, -1).map((l) => l.split(' ').map(Number));
  const max = (i: number) => Math.max(0, ...w.map((l) => l[i] ?? 0)).toFixed(0);
  console.log(`${v.name}: before ${before.p50Ms.toFixed(0)}/${before.p99Ms.toFixed(0)} during ${d.p50Ms.toFixed(0)}/${d.p99Ms.toFixed(0)} refused ${d.refused.length} | slice ${max(2)} worst ${max(1)} | +${(server.residentMib() - mib).toFixed(0)} MiB | ${((performance.now() - t0) / 1000).toFixed(1)} s, cpu ${(((server.nodes[0]?.cpuMs() ?? 0) - cpu) / 1000).toFixed(1)} s ${error}`);
}
await server.stop();
