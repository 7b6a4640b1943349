import { posix } from 'node:path';
import { OnhandError } from '../../domain/errors.ts';
import type { Archive } from '../archive/zip.ts';
import type { FormatLimits } from '../format.ts';
import { openTable, type HeaderMatcher, type Table, type TableRow } from '../table/table.ts';
import { PLAIN, styleOfBuiltIn, styleOfFormat, type NumberStyle } from './numbers.ts';
import { filledRows, readMerges } from './merges.ts';
import { readSheetRows, type SheetContext } from './sheet.ts';
import { readSharedStrings, SharedStrings } from './strings.ts';
import { readWholeXml, type XmlAttributes, type XmlListener } from './xml.ts';

/** A worksheet; not a chart or macro sheet. */
interface Sheet {
  readonly name: string;
  readonly isHidden: boolean;
  /** Its part in the archive. */
  readonly part: string;
}

/** An open workbook. Its sheets are in the order of its tabs. */
export interface Workbook {
  readonly archive: Archive;
  readonly sheets: readonly Sheet[];
  readonly context: SheetContext;
}

/**
 * Opens a workbook (XLSX, XLSM): finds its sheets and reads its shared texts and number formats. Macros,
 * external links and everything else are ignored. Rejects with `body_malformed` if a part is missing or
 * damaged, and with `body_too_large` if it exceeds a limit.
 */
export async function openWorkbook(archive: Archive, limits: FormatLimits): Promise<Workbook> {
  const part = await findWorkbookPart(archive);
  const links = await readLinks(archive, part);
  const { sheets, starts1904 } = await readWorkbookPart(archive, part, links, limits);
  if (sheets.length === 0)
    throw new OnhandError('body_malformed', 'The workbook has no worksheet that could be read.');
  const stringsPart = partOfKind(links, 'sharedStrings');
  const stylesPart = partOfKind(links, 'styles');
  const strings =
    stringsPart === undefined
      ? new SharedStrings(limits)
      : await readSharedStrings(archive.read(stringsPart), stringsPart, limits);
  const styles = stylesPart === undefined ? [] : await readStyles(archive, stylesPart, limits);
  return { archive, sheets, context: { strings, styles, starts1904, limits } };
}

/** A relationship from one part of the archive to another. */
interface Link {
  /** The last segment of its type, such as `worksheet`. */
  readonly kind: string;
  readonly part: string;
}

type Links = ReadonlyMap<string, Link>;

function partOfKind(links: Links, kind: string): string | undefined {
  return links.values().find((link) => link.kind === kind)?.part;
}

async function findWorkbookPart(archive: Archive): Promise<string> {
  const part = partOfKind(await readLinks(archive, ''), 'officeDocument') ?? 'xl/workbook.xml';
  if (archive.has(part)) return part;
  throw new OnhandError(
    'body_malformed',
    'The file is packed like a workbook but holds none; save it as an Excel workbook (.xlsx).',
  );
}

/** The links of a part by their ids, without external ones. */
async function readLinks(archive: Archive, part: string): Promise<Links> {
  const { dir, base } = posix.parse(part);
  const linksPart = posix.join(dir, '_rels', `${base}.rels`);
  const links = new Map<string, Link>();
  if (!archive.has(linksPart)) return links;
  await readSmallPart(archive, linksPart, {
    open: (name, attributes) => {
      const { Id: id, Type: type, Target: target, TargetMode: mode } = attributes;
      if (name !== 'Relationship' || id === undefined || target === undefined) return;
      if (mode?.toLowerCase() === 'external') return;
      links.set(id, {
        kind: posix.basename(type ?? ''),
        part: posix.resolve('/', dir, target).slice(1),
      });
    },
  });
  return links;
}

async function readWorkbookPart(
  archive: Archive,
  part: string,
  links: Links,
  { sheetsMax }: FormatLimits,
): Promise<{ readonly sheets: readonly Sheet[]; readonly starts1904: boolean }> {
  const sheets: Sheet[] = [];
  const parts = new Set<string>();
  let starts1904 = false;
  await readSmallPart(archive, part, {
    open: (name, attributes) => {
      if (name === 'workbookPr') starts1904 = /^(?:1|true)$/.test(attributes['date1904'] ?? '');
      if (name !== 'sheet') return;
      const link = links.get(linkIdOf(attributes) ?? '');
      if (link?.kind !== 'worksheet') return;
      // A part that is named again would be read again, and an archive of some kilobytes can name one endlessly.
      if (parts.has(link.part)) throw namedTwice(link.part);
      parts.add(link.part);
      if (parts.size > sheetsMax) throw tooMany('sheets', sheetsMax);
      const state = attributes['state'] ?? 'visible';
      sheets.push({
        name: (attributes['name'] ?? '').slice(0, SHEET_NAME_CHARACTERS_MAX).toWellFormed(),
        isHidden: state !== 'visible',
        part: link.part,
      });
    },
  });
  return { sheets, starts1904 };
}

/** Longest name of a sheet that is kept; spreadsheets allow 31 characters. */
const SHEET_NAME_CHARACTERS_MAX = 80;

function namedTwice(part: string): OnhandError {
  return new OnhandError(
    'body_malformed',
    `The workbook is damaged: two of its sheets are the same part, ${JSON.stringify(part.slice(0, 80))}. Open it in a spreadsheet and save it again.`,
  );
}

function tooMany(what: string, max: number): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The workbook has more than ${max} ${what}; copy the rows into a new workbook, or send them as CSV.`,
  );
}

/** The attribute `r:id`, with any prefix. */
function linkIdOf(attributes: XmlAttributes): string | undefined {
  const name = Object.keys(attributes).find((key) => key.endsWith(':id'));
  return name === undefined ? undefined : attributes[name];
}

/** The number styles, in the order by which cells refer to them. */
async function readStyles(
  archive: Archive,
  part: string,
  { cellFormatsMax }: FormatLimits,
): Promise<readonly NumberStyle[]> {
  const formats = new Map<string, NumberStyle>();
  const styles: NumberStyle[] = [];
  let isInCellStyles = false;
  await readSmallPart(archive, part, {
    open: (name, attributes) => {
      if (name === 'cellXfs') isInCellStyles = true;
      else if (name === 'numFmt') {
        if (formats.size >= cellFormatsMax) throw tooMany('number formats', cellFormatsMax);
        formats.set(attributes['numFmtId'] ?? '', styleOfFormat(attributes['formatCode'] ?? ''));
      } else if (name === 'xf' && isInCellStyles) {
        if (styles.length >= cellFormatsMax) throw tooMany('cell formats', cellFormatsMax);
        const id = attributes['numFmtId'];
        styles.push(id === undefined ? PLAIN : (formats.get(id) ?? styleOfBuiltIn(Number(id))));
      }
    },
    close: (name) => {
      if (name === 'cellXfs') isInCellStyles = false;
    },
  });
  return styles;
}

/** Largest part other than a sheet or the shared texts, in bytes. */
const SMALL_PART_BYTES_MAX = 16 * 1024 ** 2;

async function readSmallPart(archive: Archive, part: string, listener: XmlListener): Promise<void> {
  await readWholeXml(archive.read(part, SMALL_PART_BYTES_MAX), part, listener);
}

/** The table that is read from a workbook. */
export interface WorkbookTable<Header> extends Table<Header> {
  readonly sheet: ReadSheet;
  /** Names of the visible sheets behind it that have a header too. */
  readonly alike: readonly string[];
}

/** The worksheet that is read. */
export interface ReadSheet {
  readonly name: string;
  readonly part: string;
  /** Names of the sheets that are not read. */
  readonly others: readonly string[];
}

/**
 * Opens the first visible sheet that has a header (see `openTable`). Rejects with `body_malformed` if
 * there is none; the error says what is wrong with the first sheet that is not empty. Short rows are
 * filled up to the header, since workbooks omit empty cells.
 */
export async function openWorkbookTable<Header>(
  workbook: Workbook,
  match: HeaderMatcher<Header>,
  limits: FormatLimits,
): Promise<WorkbookTable<Header>> {
  const terms = { ...limits, isSparse: true };
  let refusal: OnhandError | undefined;
  for (const sheet of workbook.sheets) {
    if (sheet.isHidden) continue;
    const probe = new SheetProbe();
    const { archive, context } = workbook;
    const rows = probe.watch(readMergedRows(archive, sheet.part, context));
    try {
      const table = await openTable(rows, match, terms);
      const { name, part } = sheet;
      const others = workbook.sheets.filter((other) => other !== sheet).map((other) => other.name);
      const alike = await sheetsAlike(workbook, sheet, match, terms);
      return { sheet: { name, part, others }, alike, ...table };
    } catch (error) {
      await rows.return(undefined);
      if (!(error instanceof OnhandError) || probe.isBroken) throw error;
      if (probe.holdsRows) refusal ??= refusalOf(error, sheet, workbook);
    }
  }
  throw refusal ?? new OnhandError('body_malformed', 'The workbook is empty; a header is needed.');
}

/** Names of the visible sheets behind one that have a header too. Only the first few are tried. */
async function sheetsAlike<Header>(
  { sheets, archive, context }: Workbook,
  read: Sheet,
  match: HeaderMatcher<Header>,
  terms: FormatLimits & { readonly isSparse: boolean },
): Promise<readonly string[]> {
  const alike: string[] = [];
  const behind = sheets.slice(sheets.indexOf(read) + 1).filter(({ isHidden }) => !isHidden);
  for (const { name, part } of behind.slice(0, SHEETS_TRIED_MAX)) {
    const rows = readMergedRows(archive, part, context);
    try {
      await openTable(rows, match, terms);
      alike.push(name);
    } catch (error) {
      // It has no header, or is damaged: it is not read in either case.
      if (!(error instanceof OnhandError)) throw error;
    } finally {
      await rows.return(undefined);
    }
  }
  return alike;
}

const SHEETS_TRIED_MAX = 20;

/** The rows of a sheet, whose merged cells all have the value of the first. */
async function* readMergedRows(
  archive: Archive,
  part: string,
  context: SheetContext,
): AsyncGenerator<readonly TableRow[]> {
  const merges = await readMerges(archive.preview(part), part, context.limits);
  const rows = readSheetRows(archive.read(part), part, context);
  yield* merges.length === 0 ? rows : filledRows(rows, merges, part, context.limits);
}

/** Distinguishes a sheet without a header, after which another may have one, from a damaged sheet. */
class SheetProbe {
  holdsRows = false;
  isBroken = false;

  async *watch(source: AsyncGenerator<readonly TableRow[]>): AsyncGenerator<readonly TableRow[]> {
    try {
      for await (const rows of source) {
        this.holdsRows = true;
        yield rows;
      }
    } catch (error) {
      this.isBroken = true;
      throw error;
    }
  }
}

function refusalOf(refusal: OnhandError, sheet: Sheet, workbook: Workbook): OnhandError {
  const where =
    workbook.sheets.length > 1
      ? `None of the ${workbook.sheets.length} sheets has a header that can be used. `
      : '';
  return new OnhandError('body_malformed', `${where}Sheet "${sheet.name}": ${refusal.message}`, {
    cause: refusal,
  });
}
