import { gzipSync } from 'node:zlib';
import { zipOf } from '../../formats/archives.ts';
import { workbookOf } from '../../formats/workbooks.ts';
import { writeXlsx } from '../../../src/formats/xlsx/writer.ts';
import { NO_RULES } from '../../../src/domain/reading-rules.ts';
import type { Random } from '../../random.ts';
import { cut, expectSame, expectThat, type Outcome, type Target } from '../target.ts';
import { TABLE_TOKENS } from './files.ts';
import { FileOnDisk, readFile, someRules, type ReadFile } from './reading.ts';

const disk = new FileOnDisk();

/** The rows of a file and what is wrong with it, whatever it is packed in. */
function unpacked(outcome: Outcome<ReadFile>): unknown {
  return 'value' in outcome ? outcome.value.rows : outcome.refused;
}

const CSV = 'sku_id,qty\nA,5\nB,x\n';

/** Gzip: a packed file is read as the file itself, and damage is refused. The first byte says which is tried. */
export const gzip: Target = {
  name: 'gzip',
  tokens: [...TABLE_TOKENS, '\x1f\x8b', '\x1f\x8b\x08'],
  seeds: [`0${CSV}`, Buffer.concat([Buffer.from('1'), gzipSync(CSV)])],
  run: async (bytes, random) => {
    const content = bytes.subarray(1);
    if (((bytes[0] ?? 0) & 1) === 1) {
      const whole = await readFile([content], NO_RULES);
      expectSame(
        'a file depends on how bytes arrive',
        whole,
        await readFile(cut(content, random), NO_RULES),
      );
      return;
    }
    const packed = await readFile(cut(gzipSync(content), random), NO_RULES);
    const isArchive = ['\x1f\x8b', 'PK'].includes(content.toString('latin1', 0, 2));
    const bare = await readFile([content], NO_RULES);
    if (isArchive) expectThat('refused' in packed, 'an archive in an archive is read', packed);
    else expectSame('a packed file is read otherwise', unpacked(packed), unpacked(bare));
  },
};

/** Zip: a packed file is read as the file itself, and damage is refused. The first byte says which is tried. */
export const zip: Target = {
  name: 'zip',
  tokens: [...TABLE_TOKENS, 'PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06', 'a.csv'],
  seeds: [
    `0${CSV}`,
    Buffer.concat([Buffer.from('1'), zipOf([{ name: 'a.csv', content: CSV, isStored: true }])]),
    Buffer.concat([
      Buffer.from('1'),
      zipOf([
        { name: 'a.csv', content: CSV },
        { name: '__MACOSX/a', content: 'x' },
      ]),
    ]),
  ],
  run: async (bytes, random) => {
    const content = bytes.subarray(1);
    const isDamaged = ((bytes[0] ?? 0) & 1) === 1;
    const archive = isDamaged
      ? content
      : zipOf([{ name: 'a.csv', content, isStored: random.chance(0.3) }]);
    disk.write(archive);
    const packed = await readFile(cut(archive, random), NO_RULES, disk.path);
    if (isDamaged) return;
    const bare = await readFile([content], NO_RULES);
    const head = content.toString('latin1', 0, 2);
    const isArchive = ['\x1f\x8b', 'PK', 'BZ', 'Ra', '7z', '\xfd7', '(\xb5'].includes(head);
    if (!isArchive) expectSame('a packed file is read otherwise', unpacked(packed), unpacked(bare));
  },
};

const PART = '\x1e';

/** Workbooks: the XML of their parts, which the input has one after another. */
export const workbook: Target = {
  name: 'workbook',
  tokens: [
    PART,
    '<row r="3">',
    '<row>',
    '</row>',
    '<c r="A2" t="s"><v>0</v></c>',
    '<c t="inlineStr"><is><t>qty</t></is></c>',
    '<c><v>5</v></c>',
    '<c s="1"><v>46000</v></c>',
    '<c t="b"><v>1</v></c>',
    '<c t="e"><v>#N/A</v></c>',
    '<c t="str"><f>A1</f><v>x</v></c>',
    '<c r="XFD1"/>',
    '<v>1.5E12</v>',
    '<v>0.1</v>',
    '<si><t>sku_id</t></si>',
    '<si><r><t>a</t></r><rPh><t>b</t></rPh></si>',
    '_x0041_',
    'yyyy-mm-dd',
    '0000',
    '0.00E+00',
    '[$-409]d/m/yy;@',
    'A1:B2',
    'A2:A4',
    '&amp;',
    '&#65;',
    '<![CDATA[x]]>',
    '<!--x-->',
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    ' hidden="1"',
    ' xml:space="preserve"',
    '<x:row xmlns:x="y">',
    '1',
    ...TABLE_TOKENS,
  ],
  seeds: [
    `<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row><c t="inlineStr"><is><t>A</t></is></c><c><v>5</v></c></row>${PART}<si><t>sku_id</t></si><si><t>qty</t></si>${PART}0000${PART}${PART}`,
    `<row r="1"><c r="A1" t="str"><v>sku</v></c><c r="C1" t="str"><v>qty</v></c><c r="D1" t="str"><v>backorder_date</v></c></row><row r="4"><c r="A4"><v>9780306406157</v></c><c r="C4"><v>1.5</v></c><c r="D4" s="1"><v>46000</v></c></row>${PART}${PART}yyyy-mm-dd${PART}A1:B1${PART}1`,
  ],
  run: async (bytes, random) => {
    const [rows = '', strings = '', formats = '', merges = '', date = ''] = bytes
      .toString()
      .split(PART);
    const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
    const file = workbookOf({
      sheets: [{ rows, merges: merges === '' ? [] : merges.split(' ') }],
      formats: formats === '' ? [] : formats.split('\n'),
      starts1904: date === '1',
      parts: [{ name: 'xl/sharedStrings.xml', content: `<sst ${main}>${strings}</sst>` }],
    });
    disk.write(file);
    const rules = someRules(random);
    const whole = await readFile(cut(file, random), rules, disk.path);
    expectSame(
      'a workbook is read otherwise the second time',
      whole,
      await readFile([file], rules, disk.path),
    );
    if (random.chance(0.1)) await readsWhatIsWritten(bytes.toString(), random);
  },
  close: () => {
    disk.remove();
    return Promise.resolve();
  },
};

/** Results are written as a workbook: the same cells when they are read again. */
async function readsWhatIsWritten(text: string, random: Random): Promise<void> {
  const ids = text.split(/[<>"\n\s]/, 20).filter((one) => /^[!-~]{1,40}$/.test(one));
  const cells = [['sku_id', 'qty'], ...ids.map((id) => [`x${id}`, random.below(1000)])];
  const parts: Buffer[] = [];
  const written: AsyncIterable<Buffer> = writeXlsx(
    (async function* () {
      for (const row of cells) yield await Promise.resolve(row);
    })(),
  );
  for await (const part of written) parts.push(part);
  const bytes = Buffer.concat(parts);
  disk.write(bytes);
  const read = await readFile([bytes], NO_RULES, disk.path);
  if ('refused' in read) {
    expectThat(ids.length === 0, 'what was written cannot be read', read);
    return;
  }
  expectSame(
    'written cells are read otherwise',
    read.value.rows.map(({ line: { skuId, fields } }) => [skuId, fields.quantityInStock]),
    cells.slice(1),
  );
}
