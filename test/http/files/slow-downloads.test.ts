import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Flood } from '../../attack/flood.ts';
import { entry } from '../../store/fixtures.ts';
import { at } from '../answers.ts';
import { TestServer } from '../harness.ts';
import { FileClient, FILES } from './file-client.ts';

const PRINT_WORKERS = 2;

/** A small file whose results are larger than what the network takes: 8 MB. */
function longFile(rows: number): Uint8Array {
  return gzipSync(`sku_id,qty,note\n${`A-1,5,${'x'.repeat(1600)}\n`.repeat(rows)}`);
}

test("clients that read none of their results do not delay another supplier's, and what they leave is freed", async () => {
  const server = await TestServer.start({ printWorkersMax: PRINT_WORKERS });
  const floods: Flood[] = [];
  try {
    const downloadable = async (name: string, rows: number) => {
      const { token } = await server.createSupplier(name, [entry('A-1')]);
      const client = new FileClient(server, token);
      const uuid = await client.upload(longFile(rows));
      expect(await client.processed(uuid)).toMatchObject({ state: 'done' });
      return { token, client, uuid };
    };
    const spooled = async (): Promise<unknown> =>
      at((await server.ask('GET', '/readyz')).json, 'usage', 'result_spool_bytes', 'used');
    // One supplier gets only some of the workers.
    for (let i = 0; i < PRINT_WORKERS; i += 1) {
      const { token, uuid } = await downloadable(`Slow ${i}`, 5000);
      const path = `${FILES}${uuid}/results.csv`;
      const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n\r\n`;
      floods.push(await Flood.send(server.url, 1, head));
    }
    const { client, uuid } = await downloadable('Fast', 2);
    expect(await client.results(uuid)).toHaveLength(3);
    await expect.poll(spooled).toBeGreaterThan(0);
    for (const flood of floods) flood.close();
    await expect.poll(spooled).toBe(0);
  } finally {
    for (const flood of floods) flood.close();
    await server.stop();
  }
});
