import { describe, expect, test } from 'vitest';
import { Utf8Text } from '../../src/formats/text.ts';
import { textMatching } from '../matching.ts';
import { all, bytesOf } from './reading.ts';

/** A text read to its end, cut into chunks of so many bytes. */
async function read(file: Uint8Array, chunkBytes?: number) {
  const text = new Utf8Text(bytesOf(file, chunkBytes));
  const utf8 = Buffer.concat(await all(text.bytes)).toString();
  return { encoding: text.encoding, utf8 };
}

const TEXT = 'sku_id;Menge\r\nKäse-1;5 €\r\n„ß“;7\r\n';

/** The bytes of a text in Windows-1252, of which the test uses three beyond Latin-1. */
const windows1252 = (text: string): Buffer =>
  Buffer.from(
    text.replaceAll('€', '\u0080').replaceAll('„', '\u0084').replaceAll('“', '\u0093'),
    'latin1',
  );

const bigEndian = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

describe('the encoding of a text is recognised by its bytes', () => {
  test.for([
    ['UTF-8', 'UTF-8', Buffer.from(TEXT)],
    ['UTF-8 with a byte order mark', 'UTF-8', Buffer.from(`\uFEFF${TEXT}`)],
    ['UTF-16LE', 'UTF-16LE', Buffer.from(`\uFEFF${TEXT}`, 'utf16le')],
    ['UTF-16LE without a mark', 'UTF-16LE', Buffer.from(TEXT, 'utf16le')],
    ['UTF-16BE', 'UTF-16BE', bigEndian(`\uFEFF${TEXT}`)],
    ['UTF-16BE without a mark', 'UTF-16BE', bigEndian(TEXT)],
    ['Windows-1252', 'Windows-1252', windows1252(TEXT)],
  ] as const)('%s, wherever it is split', async ([, encoding, file]) => {
    for (const chunkBytes of [1, 2, 3, 5, 7, 1000]) {
      expect(await read(file, chunkBytes)).toEqual({ encoding, utf8: TEXT });
    }
  });

  test('ASCII is UTF-8', async () => {
    expect(await read(Buffer.from('a,b\n'))).toEqual({ encoding: 'UTF-8', utf8: 'a,b\n' });
  });

  test('an empty source is an empty text', async () => {
    expect(await read(Buffer.alloc(0))).toEqual({ encoding: 'UTF-8', utf8: '' });
    expect(await read(Buffer.from('\uFEFF'))).toEqual({ encoding: 'UTF-8', utf8: '' });
  });

  test('Windows-1252 is recognised after a megabyte of ASCII', async () => {
    const ascii = 'a,1\n'.repeat(300_000);
    const file = Buffer.concat([Buffer.from(ascii), windows1252('Käse,2\n')]);
    expect(await read(file)).toEqual({ encoding: 'Windows-1252', utf8: `${ascii}Käse,2\n` });
  });

  test('a UTF-8 character split between two chunks is not taken for Windows-1252', async () => {
    const file = Buffer.from(`${'x'.repeat(65_535)}ü€𝄞`);
    expect(await read(file)).toEqual({ encoding: 'UTF-8', utf8: file.toString() });
  });
});

describe('a text of mixed encodings is refused; the error names the place', () => {
  const UTF8 = Buffer.from('é\n'.repeat(50_000));

  test.for([
    [
      'UTF-8, then a byte of Windows-1252',
      Buffer.concat([UTF8, Buffer.from([0xff, 0x0a])]),
      /mixes encodings: it is UTF-8 up to byte 150001\b/,
    ],
    [
      'a byte order mark of UTF-8, then Windows-1252',
      Buffer.concat([Buffer.from('\uFEFFsku_id,title\n1,K'), windows1252('äse\n')]),
      /up to byte 20, after "sku_id,title\\n1,K"/,
    ],
    [
      'Windows-1252, then UTF-8',
      Buffer.concat([windows1252('Käse\n'), Buffer.from('Käse\n')]),
      /mixes encodings: it is Windows-1252 before byte 7 and UTF-8 there/,
    ],
    [
      'bytes that mean nothing',
      Buffer.from([0x61, 0x81, 0x0a]),
      /neither UTF-8 nor Windows-1252: byte 2 is 0x81/,
    ],
    ['UTF-8 that is cut off', Buffer.from('é €').subarray(0, -1), /up to byte 4/],
    [
      'UTF-16 that is cut off',
      Buffer.from(`\uFEFF${TEXT}`, 'utf16le').subarray(0, -1),
      /begins as UTF-16LE but is not UTF-16LE at its end/,
    ],
    [
      'UTF-16 with a lone surrogate',
      Buffer.from('\uFEFFab\ud800cd', 'utf16le'),
      /begins as UTF-16LE but is not UTF-16LE/,
    ],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), /UTF-32; save it as UTF-8/],
  ] as const)('%s', async ([, file, message]) => {
    for (const chunkBytes of [3, 64 * 1024]) {
      await expect(read(file, chunkBytes)).rejects.toMatchObject({
        code: 'body_malformed',
        message: textMatching(message),
      });
    }
  });
});
