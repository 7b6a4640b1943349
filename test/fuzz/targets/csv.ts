import { parse } from 'csv-parse/sync';
import { DELIMITERS, readCsv, type CsvRow, type Delimiter } from '../../../src/formats/csv/csv.ts';
import { printCsv } from '../../../src/formats/csv/writer.ts';
import type { Random } from '../../random.ts';
import {
  cut,
  Disagreement,
  expectSame,
  expectThat,
  outcomeOfAsync,
  type Outcome,
  type Target,
} from '../target.ts';
import { Python } from './python.ts';

const ROW_BYTES_MAX = 1500;

const python = new Python();

/** CSV: bytes to cells. */
export const csv: Target = {
  name: 'csv',
  tokens: [
    ',',
    ';',
    '\t',
    '|',
    '"',
    '""',
    '",',
    ',"',
    '"\n',
    '\r\n',
    '\n',
    '\r',
    '="00123"',
    '=',
    ' ',
    'a',
    '24" shelf',
    'sep=;',
    'é',
  ],
  seeds: [
    ',a,b,c\r\n1,"x ""y"" z","two\nlines"\r\n',
    ';a;"b;c";="001"\r"24"" shelf";24" shelf\n\n"open;x\ny',
    '|a|b\n|"c"d|"e\r\n"',
    '\ta\t"b"\n',
  ],
  run: async (bytes, random) => {
    const { delimiter, text } = dialectIn(bytes);
    const whole = await rowsOf([text], delimiter);
    expectSame(
      'rows depend on how bytes arrive',
      whole,
      await rowsOf(cut(text, random), delimiter),
    );
    if (!('value' in whole)) return;
    readsAsCsvParse(text, delimiter, whole.value);
    await readsWhatIsPrinted(whole.value, random);
  },
  compare: async (inputs) => {
    const texts = inputs.map((input) => {
      const { delimiter, text } = dialectIn(input);
      return { delimiter, text: text.toString() };
    });
    const answers = await python.ask('csv', texts);
    for (const [i, answer] of answers.entries()) {
      const [input, dialect] = [inputs[i], texts[i]];
      if (answer === null || input === undefined || dialect === undefined) continue;
      const read = await rowsOf([Buffer.from(dialect.text)], dialect.delimiter);
      if (!('value' in read) || hasOwnRules(dialect.text, dialect.delimiter)) continue;
      const [ours, theirs] = [JSON.stringify(cellsOf(read.value)), JSON.stringify(answer)];
      if (ours !== theirs)
        throw new Disagreement("Python's csv reads other cells", { ours, theirs }, input);
    }
  },
  close: () => python.close(),
};

/** The first byte names the separator. */
function dialectIn(bytes: Buffer): { readonly delimiter: Delimiter; readonly text: Buffer } {
  const first = bytes.toString('latin1', 0, 1);
  const delimiter = DELIMITERS.find((known) => known === first);
  return delimiter === undefined
    ? { delimiter: ',', text: bytes }
    : { delimiter, text: bytes.subarray(1) };
}

async function* arriving(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield await Promise.resolve(part);
}

function rowsOf(
  parts: readonly Buffer[],
  delimiter: Delimiter,
): Promise<Outcome<readonly CsvRow[]>> {
  return outcomeOfAsync(async () => {
    const rows: CsvRow[] = [];
    for await (const some of readCsv(arriving(parts), delimiter, ROW_BYTES_MAX)) rows.push(...some);
    for (const [i, { row }] of rows.entries()) expectThat(row === i + 1, 'rows are numbered', row);
    return rows;
  });
}

function cellsOf(rows: readonly CsvRow[]): readonly (readonly string[])[] {
  return rows.map((row) => ('cells' in row ? row.cells : row.found));
}

/**
 * Whether a text has what is read by rules of its own: a quote that does not enclose a whole cell, or a formula. Other
 * readers differ there.
 */
function hasOwnRules(text: string, delimiter: Delimiter): boolean {
  if (text.includes('=')) return true;
  const bare = text.replaceAll(/"(?:[^"]|"")*"/g, (quoted, at: number) => {
    const [before = '\n', after = '\n'] = [text[at - 1], text[at + quoted.length]];
    const isCell = [before, after].every(
      (one) => one === delimiter || one === '\n' || one === '\r',
    );
    return isCell ? '' : quoted;
  });
  return bare.includes('"');
}

function readsAsCsvParse(bytes: Buffer, delimiter: Delimiter, rows: readonly CsvRow[]): void {
  const text = bytes.toString();
  if (hasOwnRules(text, delimiter)) return;
  const theirs: unknown = parse(text, {
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: false,
  });
  expectSame('csv-parse reads other cells', cellsOf(rows), theirs);
}

/** Results are printed as CSV: they are the same cells when they are read again, but for what protects spreadsheets. */
async function readsWhatIsPrinted(rows: readonly CsvRow[], random: Random): Promise<void> {
  const cells = cellsOf(rows).map((row) =>
    row.map((cell) => cell.replaceAll(/[=+\-@＋－＝＠\t\r\n]/g, '')),
  );
  const printed = Buffer.from(printCsv(cells));
  if (printed.length > ROW_BYTES_MAX) return;
  const read = await rowsOf(cut(printed, random), ',');
  expectSame(
    'printed rows are read otherwise',
    'value' in read ? cellsOf(read.value) : read,
    cells,
  );
}
