import { connect } from 'node:net';
import { once } from 'node:events';
import { ServerProcess } from '../test/durability/server-process.ts';
import { benchDatabase, removeDatabase, skuIdOf } from './catalogue.ts';
const kind = process.argv[2] ?? 'lines';
const conns = Number(process.argv[3] ?? 200);
const rounds = Number(process.argv[4] ?? 2);
const db = await benchDatabase(1_000_000);
const env: Record<string,string> = {};
const server = await ServerProcess.start({ url: `sqlite:${db.path}`, remove: async () => {} }, env);
await new Promise((r) => setTimeout(r, 4000));
console.log('idle', server.residentMib());
const TARGET = 30_000_000;
function body(): string {
  if (kind === 'lines') {
    const n = 199_000; const pad = TARGET / n - 62;
    return `[${Array.from({ length: n }, (_, i) => `{"sku_id":"${skuIdOf(i)}",${' '.repeat(pad)}"quantity_in_stock":${i + 1}}`).join(',')}]`;
  }
  if (kind === 'missing') {
    const n = 199_000;
    return `[${Array.from({ length: n }, (_, i) => `{"sku_id":"${String(i).padEnd(100, 'é')}","quantity_in_stock":${i + 1}}`).join(',')}]`.slice(0);
  }
  if (kind === 'objects') return `[[${'{},'.repeat(TARGET / 3)}{}]]`;
  if (kind === 'arrays') return `[[${'[],'.repeat(TARGET / 3)}[]]]`;
  if (kind === 'members') return `[{"a":0${Array.from({length: 2_000_000}, (_, i) => `,"k${i}":1`).join('')}}]`;
  if (kind === 'unknown') return `[${'{"b":0},'.repeat(199_000)}{}]`;
  throw new Error(kind);
}
const b = Buffer.from(body());
console.log(kind, 'body', b.length);
const head = Buffer.from(`POST /timp/products/skus/inventory/bulk/ HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${db.tokens[0]}\r\nContent-Length: ${b.length}\r\n\r\n`);
const statuses: Record<string, number> = {};
async function one(): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const s = connect({ host: hostname, port: Number(port) });
  s.on('error', () => {});
  await once(s, 'connect');
  for (let r = 0; r < rounds; r++) {
    s.write(head); s.write(b);
    let got = Buffer.alloc(0); let need = -1; let total = 0; let status = '';
    await new Promise<void>((resolve) => {
      const onData = (c: Buffer) => {
        total += c.length;
        if (need < 0) {
          got = Buffer.concat([got, c]);
          const e = got.indexOf('\r\n\r\n');
          if (e < 0) return;
          const h = got.toString('latin1', 0, e);
          status = h.slice(9, 12);
          need = e + 4 + Number(/content-length: *(\d+)/i.exec(h)?.[1]);
        }
        if (total >= need) { s.off('data', onData); resolve(); }
      };
      s.on('data', onData);
      s.once('close', () => { status ||= 'closed'; resolve(); });
    });
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  s.destroy();
}
const t = performance.now();
await Promise.all(Array.from({ length: conns }, one));
console.log(statuses, 'took', ((performance.now() - t) / 1000).toFixed(1), 's; peak RSS', server.residentMib().toFixed(0), 'MiB');
await server.stop();
await removeDatabase(db.path);
