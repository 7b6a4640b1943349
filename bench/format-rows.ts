import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { NO_RULES } from '../src/domain/reading-rules.ts';
import { openStockFile } from '../src/formats/stock-file.ts';
import { readSettings } from '../src/settings/read.ts';
import { jsonLineReader } from '../src/wire/lines/lines.ts';
import { CSV, NDJSON, X12, XLSX, type FileFormat } from './stock-files.ts';
import { eachRound, medianOf, row, type BenchRow, type Row } from './stage.ts';

/** Lines per second that each format must reach, so that the store and not the parser is the bottleneck. */
const SCENARIOS: readonly (readonly [FileFormat, goalPerSecond: number])[] = [
  [CSV, 200_000],
  [NDJSON, 200_000],
  [XLSX, 50_000],
  [X12, 100_000],
];

/** Parses files of each format without applying them. */
export const formatRows: BenchRow = async (rounds) => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-bench-'));
  try {
    const rows: Row[] = [];
    for (const [{ name, lines, write }, goalPerSecond] of SCENARIOS) {
      const path = join(folder, name);
      await pipeline(write(lines, 0), createWriteStream(path));
      const seconds = await eachRound(name, rounds, () => secondsToRead(path, lines));
      rows.push(
        row(
          `${name}: read alone`,
          [lines / medianOf(seconds, (taken) => taken), 'lines/s'],
          goalPerSecond,
          { atLeast: 1 },
          `limit: the goal itself; ${lines.toLocaleString('en')} lines in one file, one core`,
        ),
      );
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true });
  }
};

async function secondsToRead(path: string, lines: number): Promise<number> {
  const begin = performance.now();
  const readJsonLine = jsonLineReader({ nowMs: 0, asOfToleranceSeconds: 0, asOfUs: undefined });
  const file = await openStockFile(
    { bytes: createReadStream(path), path },
    { rules: NO_RULES, limits: readSettings().formatLimits, readJsonLine },
  );
  if (file.kind !== 'inventory') throw new Error(`${path} is a catalogue`);
  let read = 0;
  for await (const rows of file.rows) {
    read += rows.length;
    const refused = rows.find(({ line }) => line.refusal !== undefined);
    if (refused !== undefined) throw new Error(refused.line.refusal?.message);
  }
  if (read !== lines) throw new Error(`${read} of ${lines} lines were read`);
  return (performance.now() - begin) / 1000;
}
