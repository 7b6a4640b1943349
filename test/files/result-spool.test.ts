import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileStorage } from '../../src/files/storage.ts';
import { SPOOL_MEMORY_BYTES, SpoolBudget, SpooledDownload } from '../../src/files/result-spool.ts';

const MIB = 1024 * 1024;
const ACME = 1;

let directory: string;
let budget: SpoolBudget;
let opened: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onhand-spool-'));
  budget = newBudget();
  opened = 0;
});
afterEach(() => rm(directory, { recursive: true }));

function newBudget(resultSpoolWaitMs = 60_000): SpoolBudget {
  return new SpoolBudget({
    resultSpoolBytesMax: 16 * MIB,
    organizationResultSpoolBytesMax: 1.5 * MIB,
    resultSpoolWaitMs,
  });
}

function newDownload(): SpooledDownload {
  const files = new FileStorage(directory);
  return new SpooledDownload({
    organizationId: ACME,
    budget,
    openFile: () => {
      opened += 1;
      return files.openTemporary();
    },
    beforeWrite: () => Promise.resolve(),
  });
}

/** Chunks of various sizes whose bytes tell their places. */
function chunksOf(bytes: number): readonly Uint8Array[] {
  const all = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i += 1) all[i] = (i * 31 + (i >> 8)) & 0xff;
  const chunks: Uint8Array[] = [];
  for (let from = 0; from < bytes;) {
    const size = 1 + ((chunks.length * 7919) % 300_000);
    chunks.push(all.slice(from, from + size));
    from += size;
  }
  return chunks;
}

async function spoolAll(download: SpooledDownload, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) await download.spool(chunk);
  download.finish();
}

test('results that nobody reads are printed to their end, then read unchanged, and take no disk space after that', async () => {
  const download = newDownload();
  const chunks = chunksOf(1.5 * MIB);
  await spoolAll(download, chunks);
  expect(budget.usage().used).toBeGreaterThan(0.5 * MIB);
  expect(Buffer.compare(await buffer(download), Buffer.concat(chunks))).toBe(0);
  expect([budget.usage().used, opened]).toEqual([0, 1]);
});

test('results that are read while they are printed arrive unchanged', async () => {
  const download = newDownload();
  const chunks = chunksOf(3 * MIB);
  const [read] = await Promise.all([buffer(download), spoolAll(download, chunks)]);
  expect(Buffer.compare(read, Buffer.concat(chunks))).toBe(0);
  expect(budget.usage().used).toBe(0);
});

test('short results never reach the disk', async () => {
  const download = newDownload();
  const chunks = chunksOf(SPOOL_MEMORY_BYTES / 2);
  await spoolAll(download, chunks);
  expect(Buffer.compare(await buffer(download), Buffer.concat(chunks))).toBe(0);
  expect(opened).toBe(0);
});

test('the file on disk has no name, and only the server can read it', async () => {
  const file = await new FileStorage(directory).openTemporary();
  const { mode, nlink } = await file.stat();
  await file.close();
  expect([mode & 0o777, nlink]).toEqual([0o600, 0]);
});

test('a download that is ended frees its space at once, and printing for it stops', async () => {
  const download = newDownload();
  for (const chunk of chunksOf(1.2 * MIB)) await download.spool(chunk);
  expect(budget.usage().used).toBeGreaterThan(0);
  download.destroy();
  await expect(download.spool(new Uint8Array(1))).rejects.toThrow('the download was ended');
  await expect.poll(() => budget.usage().used).toBe(0);
});

test('while the space of an organization is used up, its downloads are refused and those of others are not', async () => {
  const download = newDownload();
  const printing = spoolAll(download, chunksOf(3 * MIB));
  await expect.poll(() => budget.usage().used).toBeGreaterThan(1.1 * MIB);
  expect(() => budget.refuseFull(ACME)).toThrow(
    expect.objectContaining({ code: 'organization_budget_exceeded', retryAfterSeconds: 5 }),
  );
  expect(() => budget.refuseFull(2)).not.toThrow();
  // It continues as soon as its client reads.
  await Promise.all([printing, buffer(download)]);
  expect(() => budget.refuseFull(ACME)).not.toThrow();
});

test('while the space is used up, printing waits for a client only as long as the setting says', async () => {
  budget = newBudget(10);
  await expect(spoolAll(newDownload(), chunksOf(3 * MIB))).rejects.toThrow(/too slowly/);
});
