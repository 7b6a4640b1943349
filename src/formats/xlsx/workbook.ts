import { posix } from 'node:path';
import { OnhandError } from '../../domain/errors.ts';
import { PLAIN, styleOfBuiltIn, styleOfFormat, type NumberStyle } from './number-formats.ts';
import { readSharedStrings, SharedStrings } from './shared-strings.ts';
import { readSheetRows, type SheetContext } from './sheet-rows.ts';
import type { TableRow } from '../table/table.ts';
import { readWholeXml, type XmlAttributes, type XmlListener } from './xml.ts';
import type { Archive } from '../archive/zip.ts';

/** A worksheet; charts and macro sheets are none. */
export interface Sheet {
  readonly name: string;
  readonly isHidden: boolean;
  /** Its part in the archive. */
  readonly part: string;
}

/** A workbook whose parts were found; its sheets are in the order of its tabs. */
export interface Workbook {
  readonly archive: Archive;
  readonly sheets: readonly Sheet[];
  readonly context: SheetContext;
}

/**
 * Opens a workbook (XLSX, XLSM): finds its sheets, reads its shared texts and number formats. Macros,
 * links to other files and all else are left alone. Rejects with `body_malformed` where a part is
 * missing or damaged, `body_too_large` where the limits are exceeded.
 */
export async function openWorkbook(archive: Archive): Promise<Workbook> {
  const part = await findWorkbookPart(archive);
  const links = await readLinks(archive, part);
  const { sheets, starts1904 } = await readWorkbookPart(archive, part, links);
  if (sheets.length === 0)
    throw new OnhandError('body_malformed', 'The workbook has no worksheet that could be read.');
  const stringsPart = partOfKind(links, 'sharedStrings');
  const stylesPart = partOfKind(links, 'styles');
  const strings =
    stringsPart === undefined
      ? new SharedStrings()
      : await readSharedStrings(archive.read(stringsPart), stringsPart);
  const styles = stylesPart === undefined ? [] : await readStyles(archive, stylesPart);
  return { archive, sheets, context: { strings, styles, starts1904 } };
}

/** The rows of a sheet, in pieces; to be read once. See `readSheetRows`. */
export function readSheet(workbook: Workbook, sheet: Sheet): AsyncGenerator<readonly TableRow[]> {
  return readSheetRows(workbook.archive.read(sheet.part), sheet.part, workbook.context);
}

/** One part's link to another. */
interface Link {
  /** The last word of its type, such as `worksheet`. */
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

/** The links of a part, by their ids; those that lead out of the file are left out. */
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
): Promise<{ readonly sheets: readonly Sheet[]; readonly starts1904: boolean }> {
  const sheets: Sheet[] = [];
  let starts1904 = false;
  await readSmallPart(archive, part, {
    open: (name, attributes) => {
      if (name === 'workbookPr') starts1904 = /^(?:1|true)$/.test(attributes['date1904'] ?? '');
      if (name !== 'sheet') return;
      const link = links.get(linkIdOf(attributes) ?? '');
      if (link?.kind !== 'worksheet') return;
      const state = attributes['state'] ?? 'visible';
      sheets.push({
        name: attributes['name'] ?? '',
        isHidden: state !== 'visible',
        part: link.part,
      });
    },
  });
  return { sheets, starts1904 };
}

/** `r:id`, whatever the prefix is that the file uses. */
function linkIdOf(attributes: XmlAttributes): string | undefined {
  const name = Object.keys(attributes).find((key) => key.endsWith(':id'));
  return name === undefined ? undefined : attributes[name];
}

/** The number styles of cells, in the order in which cells number them. */
async function readStyles(archive: Archive, part: string): Promise<readonly NumberStyle[]> {
  const formats = new Map<string, NumberStyle>();
  const styles: NumberStyle[] = [];
  let isInCellStyles = false;
  await readSmallPart(archive, part, {
    open: (name, attributes) => {
      if (name === 'cellXfs') isInCellStyles = true;
      else if (name === 'numFmt')
        formats.set(attributes['numFmtId'] ?? '', styleOfFormat(attributes['formatCode'] ?? ''));
      else if (name === 'xf' && isInCellStyles) {
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

/** Largest part that tells of the workbook rather than of its cells, in bytes. */
const SMALL_PART_BYTES_MAX = 16 * 1024 ** 2;

async function readSmallPart(archive: Archive, part: string, listener: XmlListener): Promise<void> {
  await readWholeXml(archive.read(part, SMALL_PART_BYTES_MAX), part, listener);
}
