import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { CSV, X12, XLSX, type FileFormat } from './stock-files.ts';
import {
  eachRound,
  medianOf,
  onStage,
  row,
  SKUS,
  Stage,
  type BenchRow,
  type Row,
} from './stage.ts';

const BULK = { connections: 4, linesPerRequest: 10_000, lines: 400_000 };
const MEMORY_MIB_GOAL = 300 / 1.048576;
/** As docs/operations.md recommends for servers with little memory. */
const LOW_MEMORY_SETTINGS = {
  NODE_OPTIONS: '--max-old-space-size=96 --max-semi-space-size=4',
  ONHAND_CACHE_BYTES_MAX: '16777216',
  ONHAND_OPEN_BYTES_MAX: '33554432',
  ONHAND_REQUEST_BYTES_MAX: '4194304',
  ONHAND_LINES_MAX: '10000',
};
const BIN = fileURLToPath(new URL('../bin/onhand.js', import.meta.url));

/** Lines per second, from the first byte of an upload to the last applied row. */
const GOALS: readonly (readonly [FileFormat, goalPerSecond: number])[] = [
  [XLSX, 50_000],
  [X12, 100_000],
];

/** Files through a server: uploaded, parsed and applied, with a result for each row. */
export const fileRows: BenchRow = async (rounds) => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-bench-'));
  const path = join(folder, 'file');
  let shift = 0;
  const write = async (format: FileFormat): Promise<void> => {
    shift += 1;
    await pipeline(format.write(format.lines, shift), createWriteStream(path));
  };
  try {
    const rows: Row[] = [];
    const memory = async (stage: Stage, name: string): Promise<void> => {
      await write(CSV);
      const rate = await upload(stage, path, CSV.lines);
      rows.push(
        row(
          name,
          [stage.server.residentMib(), 'MiB'],
          MEMORY_MIB_GOAL,
          { atMost: 1 },
          `limit: 300 MB; peak of the resident set, one file of ${CSV.lines.toLocaleString('en')} rows, ${Math.round(rate).toLocaleString('en')} a second`,
        ),
      );
    };
    await onStage(Stage.open(SKUS, 1, LOW_MEMORY_SETTINGS), (stage) =>
      memory(stage, 'CSV: memory, where it is short'),
    );
    return await onStage(Stage.open(SKUS), async (stage) => {
      await memory(stage, 'CSV: memory');
      const csv = await eachRound('CSV through the server', rounds, async () => {
        const bulk = await stage.load(BULK);
        await write(CSV);
        const uploaded = await upload(stage, path, CSV.lines);
        await write(CSV);
        return { bulk, uploaded, pushed: await push(stage, path, CSV.lines) };
      });
      rows.push(
        row(
          'CSV through the server',
          [medianOf(csv, ({ uploaded }) => uploaded), 'lines/s'],
          medianOf(csv, ({ bulk }) => bulk.linesPerSecond),
          { atLeast: 0.5 },
          `limit: arrays of 10,000, 4 connections; ${CSV.lines.toLocaleString('en')} rows in one file`,
        ),
        row(
          'the same by onhand push',
          [medianOf(csv, ({ pushed }) => pushed), 'lines/s'],
          medianOf(csv, ({ uploaded }) => uploaded),
          { atLeast: 0.9 },
          'limit: the upload alone; from the start of the command to its end, no results written',
        ),
      );
      for (const [format, goalPerSecond] of GOALS) {
        const name = `${format.name} through the server`;
        const rates = await eachRound(name, rounds, async () => {
          await write(format);
          return upload(stage, path, format.lines);
        });
        rows.push(
          row(
            name,
            [medianOf(rates, (rate) => rate), 'lines/s'],
            goalPerSecond,
            { atLeast: 1 },
            `limit: the goal; ${format.lines.toLocaleString('en')} rows in one file`,
          ),
        );
      }
      return rows;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
};

const WAIT_SECONDS = 30;

/** Lines per second. */
async function upload(stage: Stage, path: string, lines: number): Promise<number> {
  const startedMs = performance.now();
  const sent = await ask(stage, 'upload/', {
    method: 'POST',
    body: createReadStream(path),
    duplex: 'half',
  });
  const of = `${textAt(sent, 'uuid')}/?wait=${WAIT_SECONDS}`;
  let file: unknown;
  do file = await ask(stage, of, {});
  while (textAt(file, 'state') !== 'done');
  checkCounts(JSON.stringify(file), lines);
  return (lines * 1000) / (performance.now() - startedMs);
}

async function ask(stage: Stage, path: string, init: RequestInit): Promise<unknown> {
  const [token = ''] = stage.database.tokens;
  const response = await fetch(`${stage.server.url}/timp/organizations/files/${path}`, {
    ...init,
    headers: { authorization: `Token ${token}` },
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

function textAt(body: unknown, member: string): string {
  const value: unknown =
    typeof body === 'object' && body !== null ? Reflect.get(body, member) : undefined;
  if (typeof value !== 'string') throw new Error(`${member} is missing`);
  if (value === 'failed') throw new Error(JSON.stringify(body));
  return value;
}

/** Lines per second with `onhand push`. */
async function push(stage: Stage, path: string, lines: number): Promise<number> {
  const [token = ''] = stage.database.tokens;
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [BIN, 'push', path, '--url', stage.server.url, '--no-results', '--json'],
    { env: { ...process.env, ONHAND_TOKEN: token }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  const tookMs = performance.now() - startedMs;
  checkCounts(said, lines);
  return (lines * 1000) / tookMs;
}

/** Refused lines would be faster, so there must be none. */
function checkCounts(text: string, lines: number): void {
  if (!text.replaceAll(/\s/g, '').includes(`"200":${lines}`)) throw new Error(text);
}
