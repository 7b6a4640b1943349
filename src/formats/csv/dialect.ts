import type { CsvDialect } from './csv-table.ts';
import { DELIMITERS, type Delimiter } from './csv.ts';

/** How many lines are looked at: a header may stand below a title. */
const LINES_READ_MAX = 20;

/** How many cells of a line may be headers that count. */
const CELLS_READ_MAX = 1000;

const DELIMITER_ROW = /^sep=([,;|\t])\r?$/i;

/**
 * How a CSV file is written, told from its beginning: by the separator that gives a line the most
 * headers for which `isHeader` holds; where none does, the most cells. In doubt it is the comma.
 */
export function dialectOf(head: string, isHeader: (name: string) => boolean): CsvDialect {
  const lines = head.split(/\r\n|\n|\r/, LINES_READ_MAX);
  const said = DELIMITER_ROW.exec(lines[0] ?? '')?.[1];
  const named = DELIMITERS.find((delimiter) => delimiter === said);
  if (named !== undefined) return { delimiter: named, hasDelimiterRow: true };
  let best: Delimiter = ',';
  let bestScore = [0, 0];
  for (const delimiter of DELIMITERS) {
    const score = scoreOf(lines, delimiter, isHeader);
    if (isMore(score, bestScore)) [best, bestScore] = [delimiter, score];
  }
  return { delimiter: best, hasDelimiterRow: false };
}

function scoreOf(
  lines: readonly string[],
  delimiter: Delimiter,
  isHeader: (name: string) => boolean,
): number[] {
  const cellsOfLines = lines
    .filter((line) => line.trim() !== '')
    .map((line) => cellsOf(line, delimiter));
  const headers = cellsOfLines.map(
    (cells) => cells.slice(0, CELLS_READ_MAX).filter((cell) => isHeader(cell)).length,
  );
  return [Math.max(0, ...headers), cellsOfLines[0]?.length ?? 0];
}

function isMore(
  [headers = 0, cells = 0]: number[],
  [mostHeaders = 0, mostCells = 0]: number[],
): boolean {
  return headers > mostHeaders || (headers === mostHeaders && cells > mostCells);
}

/** Roughly: what stands between quotes is no separator. */
function cellsOf(line: string, delimiter: Delimiter): readonly string[] {
  const cells: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i <= line.length; i += 1) {
    if (line[i] === '"') isQuoted = !isQuoted;
    if (i < line.length && (isQuoted || line[i] !== delimiter)) continue;
    cells.push(
      line
        .slice(start, i)
        .trim()
        .replace(/^"(.*)"$/s, '$1'),
    );
    start = i + 1;
  }
  return cells;
}
