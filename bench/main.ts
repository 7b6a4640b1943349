/**
 * `npm run bench`: measures this machine, and compares each value with a limit of the same run.
 *
 *   npm run bench              the main rows, a few minutes
 *   npm run bench -- --full    all rows, more rounds, ten million SKUs: half an hour and 6 GB of disk
 *   npm run bench -- --sustained  ten minutes of load each at a million and ten million SKUs
 *   npm run bench -- --json    one JSON object per measurement
 *   npm run bench -- --only bulk,single
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { showProgress } from './support.ts';
import { ALL_ROWS, MAIN_ROWS, SUSTAINED_ROWS } from './registry.ts';
import type { Row } from './stage.ts';

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    sustained: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
  },
});

const rounds = Number(options.rounds ?? (options.full ? 7 : 5));
const chosen = options.only?.split(',').map((name) => {
  const known = { ...ALL_ROWS, ...SUSTAINED_ROWS };
  const rows = known[name];
  if (rows === undefined)
    throw new Error(`unknown measurement "${name}"; choose from ${Object.keys(known).join(', ')}`);
  return rows;
});

const standard = options.sustained ? SUSTAINED_ROWS : options.full ? ALL_ROWS : MAIN_ROWS;
const all: Row[] = [];
for (const rows of chosen ?? Object.values(standard)) {
  const measured = await rows(rounds);
  showProgress('');
  all.push(...measured);
  if (options.json) for (const row of measured) process.stdout.write(`${JSON.stringify(row)}\n`);
}
if (!options.json) printTable(all);

function printTable(rows: readonly Row[]): void {
  const [cpu] = cpus();
  process.stdout.write(
    `1,000,000 SKUs, picked at random; synchronous=FULL; medians of ${rounds} rounds; ` +
      `${cpus().length} cores (${cpu?.model ?? 'unknown'}), Node ${process.version}\n\n`,
  );
  const cells = [
    ['what', 'figure', 'limit', 'ratio', 'goal', '', 'conditions'],
    ...rows.map((row) => [
      row.name,
      `${figure(row.value, row.unit)} ${row.unit}`,
      figure(row.limit, row.unit),
      row.ratio.toFixed(2),
      `${row.unit.endsWith('/s') ? '≥' : '≤'} ${row.goal}`,
      row.isMet ? 'met' : 'missed',
      row.conditions,
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0)),
  );
  for (const line of cells) {
    const padded = line.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    process.stdout.write(`${padded.join('  ').trimEnd()}\n`);
  }
}

function figure(value: number, unit: string): string {
  return unit === 'ms' ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}
