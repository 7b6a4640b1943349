import { zipOf, type Packed } from './archives.ts';

/** A worksheet, written out: its rows as XML, or its cells as inline texts. */
export interface WrittenSheet {
  readonly name?: string;
  readonly state?: 'hidden' | 'veryHidden';
  readonly rows: string | readonly (readonly string[])[];
  /** References of merged cells, such as `A1:B2`. */
  readonly merges?: readonly string[];
}

/** A workbook, written by hand so that it can be odd. */
export interface WrittenWorkbook {
  readonly sheets: readonly WrittenSheet[];
  /** The shared texts, each as the XML inside its `<si>`. */
  readonly strings?: readonly string[];
  /** Format codes; cells of style 1 have the first, and so on. Style 0 is plain. */
  readonly formats?: readonly string[];
  readonly starts1904?: boolean;
  /** Further parts, or others in place of those that are written here. */
  readonly parts?: readonly Packed[];
  /** Put before the root element of each worksheet. */
  readonly prologue?: string;
}

const MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

export function workbookOf(workbook: WrittenWorkbook): Buffer {
  const { sheets, strings = [], formats = [], starts1904 = false, prologue = '' } = workbook;
  const links = [
    ...sheets.map((_, i) => link(`s${i}`, 'worksheet', `worksheets/sheet${i + 1}.xml`)),
    link('strings', 'sharedStrings', 'sharedStrings.xml'),
    link('styles', 'styles', '/xl/styles.xml'),
  ];
  const written: Packed[] = [
    { name: '[Content_Types].xml', content: '<Types/>' },
    { name: '_rels/.rels', content: linksOf([link('w', 'officeDocument', 'xl/workbook.xml')]) },
    { name: 'xl/_rels/workbook.xml.rels', content: linksOf(links) },
    {
      name: 'xl/workbook.xml',
      content:
        `<workbook ${MAIN} xmlns:r="${OFFICE}"><workbookPr date1904="${starts1904 ? 1 : 0}"/><sheets>` +
        sheets.map(printSheetName).join('') +
        '</sheets></workbook>',
    },
    {
      name: 'xl/sharedStrings.xml',
      content: `<sst ${MAIN}>${strings.map((text) => `<si>${text}</si>`).join('')}</sst>`,
    },
    { name: 'xl/styles.xml', content: printStyles(formats) },
    ...sheets.map(({ rows, merges = [] }, i) => ({
      name: `xl/worksheets/sheet${i + 1}.xml`,
      content: `${prologue}<worksheet ${MAIN}><sheetData>${typeof rows === 'string' ? rows : printCells(rows)}</sheetData>${printMerges(merges)}</worksheet>`,
    })),
  ];
  const { parts = [] } = workbook;
  const others = written.filter(({ name }) => !parts.some((part) => part.name === name));
  return zipOf([...others, ...parts]);
}

function link(id: string, kind: string, target: string): string {
  return `<Relationship Id="${id}" Type="${OFFICE}/${kind}" Target="${target}"/>`;
}

function linksOf(links: readonly string[]): string {
  return `<Relationships>${links.join('')}</Relationships>`;
}

function printSheetName({ name, state }: WrittenSheet, i: number): string {
  const hidden = state === undefined ? '' : ` state="${state}"`;
  return `<sheet name="${name ?? `Sheet${i + 1}`}" sheetId="${i + 1}"${hidden} r:id="s${i}"/>`;
}

function printStyles(formats: readonly string[]): string {
  const codes = formats.map((code, i) => `<numFmt numFmtId="${200 + i}" formatCode="${code}"/>`);
  const styles = formats.map((_, i) => `<xf numFmtId="${200 + i}"/>`);
  return (
    `<styleSheet ${MAIN}><numFmts>${codes.join('')}</numFmts>` +
    `<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>` +
    `<cellXfs><xf numFmtId="0"/>${styles.join('')}</cellXfs></styleSheet>`
  );
}

function printCells(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `<row>${cells.map(printCell).join('')}</row>`).join('');
}

function printMerges(merges: readonly string[]): string {
  if (merges.length === 0) return '';
  const cells = merges.map((reference) => `<mergeCell ref="${reference}"/>`).join('');
  return `<mergeCells count="${merges.length}">${cells}</mergeCells>`;
}

function printCell(text: string): string {
  return `<c t="inlineStr"><is><t>${text}</t></is></c>`;
}
