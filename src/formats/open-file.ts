import { OnhandError } from '../domain/errors.ts';
import { isKnownHeader, type ColumnMapping } from './table/columns.ts';
import { openCsvTable, type CsvDialect } from './csv/csv-table.ts';
import { dialectOf } from './csv/dialect.ts';
import { gunzip } from './archive/gzip.ts';
import type { FormatLimits } from './limits.ts';
import { recogniseContainer, recogniseText, type TextFormat } from './recognise.ts';
import type { HeaderMatcher, Table } from './table/table.ts';
import { Utf8Text, type Encoding } from './text/text.ts';
import { openWorkbookTable, type WorkbookTable } from './xlsx/workbook-table.ts';
import { openWorkbook, type Workbook } from './xlsx/workbook.ts';
import { openArchive, type Archive } from './archive/zip.ts';

/** Where a file comes from. */
export interface FileSource {
  /** All of it, from its first byte. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Where it lies on disk: archives and workbooks, whose directory is at their end, need it. */
  readonly path?: string;
}

/** How a file was wrapped. */
export type Packing = 'gzip' | 'zip' | null;

/** A file that was recognised. Close it when it is done with: reading to the end does not. */
export type OpenedFile = TextFile | WorkbookFile;

/** The source's bytes are read again from their start, in whatever way the format needs. */
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

/** How much of a text is looked at to tell what it is, in bytes. */
const HEAD_BYTES = 64 * 1024;

async function openZip(
  path: string | undefined,
  limits: FormatLimits,
  mappings: readonly ColumnMapping[],
): Promise<OpenedFile> {
  if (path === undefined) {
    throw new OnhandError(
      'body_malformed',
      'Workbooks and zip archives are read from files, not from a stream; give the file itself.',
    );
  }
  const opened = await openArchive(path, limits);
  try {
    if (opened.kind === 'workbook')
      return new WorkbookFile(opened.archive, await openWorkbook(opened.archive), limits);
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

interface TextParts {
  readonly format: TextFormat;
  readonly packing: Packing;
  readonly text: Utf8Text;
  readonly utf8: AsyncGenerator<Buffer>;
  readonly dialect: CsvDialect;
  readonly limits: FormatLimits;
  readonly close: () => Promise<void>;
}

/** A text of any format. */
class TextFile {
  readonly format: TextFormat;
  readonly packing: Packing;
  /** The text in UTF-8, without a byte order mark. To be read once. */
  readonly utf8: AsyncGenerator<Buffer>;
  readonly #parts: TextParts;

  constructor(parts: TextParts) {
    this.format = parts.format;
    this.packing = parts.packing;
    this.utf8 = parts.utf8;
    this.#parts = parts;
  }

  /** As far as it can be told from what has been read. */
  get encoding(): Encoding {
    return this.#parts.text.encoding;
  }

  /** Rejects with `body_malformed` where it is no CSV. */
  async openTable<Header>(match: HeaderMatcher<Header>): Promise<Table<Header>> {
    const { format, dialect, limits } = this.#parts;
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
    await this.#parts.close();
  }
}

const FORMAT_NAMES: Readonly<Record<TextFormat, string>> = {
  csv: 'CSV',
  json: 'JSON',
  ndjson: 'NDJSON',
  x12: 'X12',
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

/** Bytes of which the first can be looked at before all are read. */
class Peekable {
  readonly #reading: AsyncIterator<Uint8Array>;
  #head: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#reading = bytes[Symbol.asyncIterator]();
  }

  /** The first bytes, at least so many unless there are fewer. */
  async peek(count: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [this.#head];
    for (let bytes = this.#head.length; bytes < count;) {
      const next = await this.#reading.next();
      if (next.done === true) break;
      chunks.push(next.value);
      bytes += next.value.length;
    }
    this.#head = Buffer.concat(chunks);
    return this.#head;
  }

  async *all(): AsyncGenerator<Buffer> {
    try {
      if (this.#head.length > 0) yield this.#head;
      for (;;) {
        const next = await this.#reading.next();
        if (next.done === true) return;
        const { buffer, byteOffset, byteLength } = next.value;
        yield Buffer.from(buffer, byteOffset, byteLength);
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#reading.return?.();
  }
}
