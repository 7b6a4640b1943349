import { OnhandError } from '../domain/errors.ts';
import type { ColumnMapping } from '../domain/file-columns.ts';
import { isKnownHeader } from './table/columns.ts';
import { openCsvTable, type CsvDialect, type Delimiter } from './csv/csv.ts';
import { dialectOf } from './csv/dialect.ts';
import { gunzip } from './archive/gzip.ts';
import { isInterchange } from './edifact/segments.ts';
import type { FormatLimits } from './format.ts';
import { Peekable } from './peekable.ts';
import type { HeaderMatcher, Table } from './table/table.ts';
import { Utf8Text, type Encoding } from './text.ts';
import { unsupportedText } from './unsupported-text.ts';
import {
  openWorkbook,
  openWorkbookTable,
  type Workbook,
  type WorkbookTable,
} from './xlsx/workbook.ts';
import { openArchive, type Archive } from './archive/zip.ts';

/** Where a file comes from. */
export interface FileSource {
  /** The whole content. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The path on disk. Zip archives and workbooks need it, since their directory is at the end. */
  readonly path?: string;
}

/** How a file was compressed. */
export type Packing = 'gzip' | 'zip' | null;

/** A recognised file. The caller closes it; reading to the end does not. */
export type OpenedFile = TextFile | WorkbookFile;

/**
 * Opens a file and recognises its format by its content. Rejects with `body_malformed` or
 * `body_shape_wrong` if the format is not supported, and with `body_too_large` beyond a limit.
 */
export async function openFile(
  source: FileSource,
  limits: FormatLimits,
  mappings: readonly ColumnMapping[] = [],
): Promise<OpenedFile> {
  const bytes = new Peekable(source.bytes);
  try {
    const container = recogniseContainer(await bytes.peek(HEAD_BYTES));
    if (container === 'zip') {
      await bytes.close();
      return await openZip(source.path, limits, mappings);
    }
    if (container === 'none')
      return await openText(bytes, null, limits, mappings, () => bytes.close());
    const inflated = new Peekable(gunzip(bytes.all(), limits));
    await refuseNested(inflated);
    return await openText(inflated, 'gzip', limits, mappings, () => inflated.close());
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

/** How much of a text is read to recognise its format, in bytes. */
const HEAD_BYTES = 64 * 1024;

async function openZip(
  path: string | undefined,
  limits: FormatLimits,
  mappings: readonly ColumnMapping[],
): Promise<OpenedFile> {
  if (path === undefined) {
    throw new OnhandError(
      'body_malformed',
      'Workbooks and zip archives can be read from files, not from a stream; give the file itself.',
    );
  }
  const opened = await openArchive(path, limits);
  try {
    if (opened.kind === 'workbook')
      return new WorkbookFile(opened.archive, await openWorkbook(opened.archive, limits), limits);
    const bytes = new Peekable(opened.bytes);
    return await openText(bytes, 'zip', limits, mappings, async () => {
      await bytes.close();
      opened.archive.close();
    });
  } catch (error) {
    opened.archive.close();
    throw error;
  }
}

async function refuseNested(bytes: Peekable): Promise<void> {
  if (recogniseContainer(await bytes.peek(HEAD_BYTES)) === 'none') return;
  throw new OnhandError(
    'body_malformed',
    'The gzip file holds a workbook or another archive; send that file as it is.',
  );
}

async function openText(
  bytes: Peekable,
  packing: Packing,
  limits: FormatLimits,
  mappings: readonly ColumnMapping[],
  close: () => Promise<void>,
): Promise<TextFile> {
  const text = new Utf8Text(bytes.all());
  const utf8 = new Peekable(text.bytes);
  const head = (await utf8.peek(HEAD_BYTES)).toString();
  if (/^\s*$/.test(head) && head.length < HEAD_BYTES)
    throw new OnhandError('body_malformed', 'The file is empty; a header is needed.');
  const format = recogniseText(head);
  const mapped = new Set(mappings.map(({ header }) => header.toLowerCase()));
  const isHeader = (name: string): boolean =>
    isKnownHeader(name) || mapped.has(name.trim().toLowerCase());
  return new TextFile({
    format,
    packing,
    text,
    utf8: utf8.all(),
    dialect: dialectOf(head, isHeader),
    limits,
    close,
  });
}

interface TextFileOptions {
  readonly format: TextFormat;
  readonly packing: Packing;
  readonly text: Utf8Text;
  readonly utf8: AsyncGenerator<Buffer>;
  readonly dialect: CsvDialect;
  readonly limits: FormatLimits;
  readonly close: () => Promise<void>;
}

/** A file of a text format. */
class TextFile {
  readonly format: TextFormat;
  readonly packing: Packing;
  /** The text in UTF-8, without a byte order mark. Can be read once. */
  readonly utf8: AsyncGenerator<Buffer>;
  readonly #options: TextFileOptions;

  constructor(options: TextFileOptions) {
    this.format = options.format;
    this.packing = options.packing;
    this.utf8 = options.utf8;
    this.#options = options;
  }

  /** The encoding, judged by what was read so far. */
  get encoding(): Encoding {
    return this.#options.text.encoding;
  }

  /** What separates the cells of a CSV file. */
  get delimiter(): Delimiter {
    return this.#options.dialect.delimiter;
  }

  /** Opens the table of a CSV file. Rejects with `body_malformed` for any other format. */
  async openTable<Header>(match: HeaderMatcher<Header>): Promise<Table<Header>> {
    const { format, dialect, limits } = this.#options;
    if (format !== 'csv') {
      throw new OnhandError(
        'body_malformed',
        `The file is ${FORMAT_NAMES[format]}; a table is needed here, as CSV or an Excel workbook (.xlsx).`,
      );
    }
    return openCsvTable(this.utf8, dialect, match, limits);
  }

  async close(): Promise<void> {
    await this.utf8.return(undefined);
    await this.#options.close();
  }
}

const FORMAT_NAMES: Readonly<Record<TextFormat, string>> = {
  csv: 'CSV',
  json: 'JSON',
  ndjson: 'NDJSON',
  x12: 'X12',
  edifact: 'EDIFACT',
};

class WorkbookFile {
  readonly format = 'xlsx';
  readonly packing = null;
  readonly #archive: Archive;
  readonly #workbook: Workbook;
  readonly #limits: FormatLimits;

  constructor(archive: Archive, workbook: Workbook, limits: FormatLimits) {
    this.#archive = archive;
    this.#workbook = workbook;
    this.#limits = limits;
  }

  openTable<Header>(match: HeaderMatcher<Header>): Promise<WorkbookTable<Header>> {
    return openWorkbookTable(this.#workbook, match, this.#limits);
  }

  close(): Promise<void> {
    this.#archive.close();
    return Promise.resolve();
  }
}

/** How a file is compressed or packed, by its first bytes. */
type Container = 'gzip' | 'zip' | 'none';

type TextFormat = 'csv' | 'json' | 'ndjson' | 'x12' | 'edifact';

const CONTAINERS: readonly { readonly bytes: readonly number[]; readonly container: Container }[] =
  [
    { bytes: [0x1f, 0x8b], container: 'gzip' },
    { bytes: [0x50, 0x4b, 0x03, 0x04], container: 'zip' },
    { bytes: [0x50, 0x4b, 0x05, 0x06], container: 'zip' },
  ];

/** Formats that are often sent but not supported, and what to do about each. */
const UNSUPPORTED: readonly { readonly bytes: readonly number[]; readonly what: string }[] = [
  {
    bytes: [0xd0, 0xcf, 0x11, 0xe0],
    what: 'is an old Excel workbook (.xls) or one with a password; save it as an Excel workbook (.xlsx) without one',
  },
  { bytes: [0x25, 0x50, 0x44, 0x46], what: 'is a PDF; send the table as CSV or .xlsx' },
  { bytes: [0x42, 0x5a, 0x68], what: 'is compressed with bzip2; use gzip or zip' },
  { bytes: [0x37, 0x7a, 0xbc, 0xaf], what: 'is a 7-Zip archive; use gzip or zip' },
  { bytes: [0x52, 0x61, 0x72, 0x21], what: 'is a RAR archive; use gzip or zip' },
  { bytes: [0xfd, 0x37, 0x7a, 0x58], what: 'is compressed with xz; use gzip or zip' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'is compressed with Zstandard; use gzip or zip' },
];

/** Recognises a container. Throws `body_malformed` for a known format that is not supported. */
function recogniseContainer(head: Uint8Array): Container {
  const begins = (bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  const unsupported = UNSUPPORTED.find(({ bytes }) => begins(bytes));
  if (unsupported !== undefined)
    throw new OnhandError('body_malformed', `The file ${unsupported.what}.`);
  return CONTAINERS.find(({ bytes }) => begins(bytes))?.container ?? 'none';
}

/** How an X12 interchange begins: `ISA`, a separator, two characters, the same separator. */
const INTERCHANGE = /^ISA([^A-Za-z0-9\s]|\t)..\1/;

/** Recognises a text format by its beginning. Throws `body_malformed` for a known unsupported one. */
function recogniseText(head: string): TextFormat {
  const text = head.replace(/^\s+/, '');
  if (text.startsWith('[')) return 'json';
  if (text.startsWith('{')) {
    refuseSingleObject(text);
    return 'ndjson';
  }
  if (INTERCHANGE.test(text)) return 'x12';
  if (isInterchange(text)) return 'edifact';
  const unsupported = unsupportedText(text);
  if (unsupported !== undefined)
    throw new OnhandError('body_malformed', `The file ${unsupported}.`);
  return 'csv';
}

/** A JSON object over several lines is a single value, not NDJSON. */
function refuseSingleObject(text: string): void {
  if (!/^\{\s*\n/.test(text)) return;
  throw new OnhandError(
    'body_shape_wrong',
    'The file begins with a JSON object over several lines; send an array of objects, or one object per line.',
  );
}
