import { OnhandError } from '../domain/errors.ts';

/** What a file is wrapped in, told by its first bytes. */
export type Container = 'gzip' | 'zip' | 'none';

/** What a text is written in. */
export type TextFormat = 'csv' | 'json' | 'ndjson' | 'x12';

const CONTAINERS: readonly { readonly bytes: readonly number[]; readonly container: Container }[] =
  [
    { bytes: [0x1f, 0x8b], container: 'gzip' },
    { bytes: [0x50, 0x4b, 0x03, 0x04], container: 'zip' },
    { bytes: [0x50, 0x4b, 0x05, 0x06], container: 'zip' },
  ];

/** Files that are often sent and not read here, and what to do with each. */
const FOREIGN: readonly { readonly bytes: readonly number[]; readonly what: string }[] = [
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

/** What a file is wrapped in. Throws `body_malformed` for what is known and not read. */
export function recogniseContainer(head: Uint8Array): Container {
  const begins = (bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  const foreign = FOREIGN.find(({ bytes }) => begins(bytes));
  if (foreign !== undefined) throw new OnhandError('body_malformed', `The file ${foreign.what}.`);
  return CONTAINERS.find(({ bytes }) => begins(bytes))?.container ?? 'none';
}

/** Of an interchange: `ISA`, a separator, two characters, the same separator. */
const INTERCHANGE = /^ISA([^A-Za-z0-9\s]|\t)..\1/;

/** What a text is written in, told by how it begins. Throws `body_malformed` for what is known and not read. */
export function recogniseText(head: string): TextFormat {
  const text = head.replace(/^\s+/, '');
  if (text.startsWith('[')) return 'json';
  if (text.startsWith('{')) {
    refuseSingleObject(text);
    return 'ndjson';
  }
  if (INTERCHANGE.test(text)) return 'x12';
  if (/^(?:UNA.{6}|UNB[+:])/.test(text)) {
    throw new OnhandError(
      'body_malformed',
      'The file is EDIFACT; of EDI, X12 846 is read. Send that, CSV or .xlsx.',
    );
  }
  if (/^<(?:[?!a-z])/i.test(text)) {
    throw new OnhandError(
      'body_malformed',
      'The file is XML or a web page, whatever its name says; save it as CSV or as an Excel workbook (.xlsx).',
    );
  }
  return 'csv';
}

/** An object over several lines is one value, not rows of them. */
function refuseSingleObject(text: string): void {
  if (!/^\{\s*\n/.test(text)) return;
  throw new OnhandError(
    'body_shape_wrong',
    'The file begins with a JSON object over several lines; an array of objects, or one object a line, is needed.',
  );
}
