import { ROWS_ABOVE_HEADER_MAX } from '../table/table.ts';
import { DELIMITERS, type CsvDialect, type Delimiter } from './csv.ts';

/** How many lines are considered, since the header may come below a title. Half of them may be blank. */
const LINES_MAX = 2 * (ROWS_ABOVE_HEADER_MAX + 1);

/** How many cells of a line are considered. */
const CELLS_MAX = 1000;

const DELIMITER_ROW = /^sep=([,;|\t])\r?$/i;

/**
 * Detects how a CSV file separates its cells, from its beginning: by the separator that gives a line the
 * most known headers (`isHeader`), or else the first line the most cells, or else by the one that most lines have. If two
 * are equal, the comma wins.
 */
export function dialectOf(head: string, isHeader: (name: string) => boolean): CsvDialect {
  const lines = head.split(/\r\n|\n|\r/, LINES_MAX);
  const declared = DELIMITER_ROW.exec(lines[0] ?? '')?.[1];
  const named = DELIMITERS.find((delimiter) => delimiter === declared);
  if (named !== undefined) return { delimiter: named, hasDelimiterRow: true };
  let best: Delimiter = ',';
  let bestScore: readonly number[] = [0, 0, 0];
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
): readonly number[] {
  const cellsOfLines = lines
    .filter((line) => line.trim() !== '')
    .map((line) => cellsOf(line, delimiter));
  const headers = cellsOfLines.map(
    (cells) => cells.slice(0, CELLS_MAX).filter((cell) => isHeader(cell)).length,
  );
  const split = cellsOfLines.filter(({ length }) => length > 1);
  return [Math.max(0, ...headers), cellsOfLines[0]?.length ?? 0, split.length];
}

function isMore(score: readonly number[], best: readonly number[]): boolean {
  const place = score.findIndex((value, i) => value !== best[i]);
  return (score[place] ?? 0) > (best[place] ?? 0);
}

/** An approximation: separators between quotes do not count. */
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
