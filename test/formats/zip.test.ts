import { createHash } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  openArchive,
  type ArchiveLimits,
  type OpenedArchive,
} from '../../src/formats/archive/zip.ts';
import { textMatching } from '../matching.ts';
import { bomb, zipOf, type Packed } from './archives.ts';
import { onDisk } from './on-disk.ts';
import { FORMAT_LIMITS } from './limits.ts';
import { all } from './reading.ts';

const CSV = 'sku_id,quantity_in_stock\nA-1,5\n';

/** Opens an archive, reads the file inside, if there is but one, and closes it. */
async function read(bytes: Uint8Array, limits: ArchiveLimits = FORMAT_LIMITS): Promise<string> {
  const opened = await openArchive(await onDisk(bytes), limits);
  try {
    return await describeContent(opened);
  } finally {
    opened.archive.close();
  }
}

async function describeContent(opened: OpenedArchive): Promise<string> {
  if (opened.kind === 'workbook') return 'a workbook';
  return `${opened.name}: ${Buffer.concat(await all(opened.bytes)).toString()}`;
}

const part = (name: string): Packed => ({ name, content: `<${'x'.repeat(5)}/>` });

describe('the content of an archive', () => {
  test.for([
    ['one file', [{ name: 'stock.csv', content: CSV }]],
    ['one file, stored', [{ name: 'stock.csv', content: CSV, isStored: true }]],
    [
      'one file beside what macOS adds',
      [
        { name: '.DS_Store', content: 'x' },
        { name: 'stock.csv', content: CSV },
        { name: '__MACOSX/._stock.csv', content: 'x' },
      ],
    ],
  ] as const)('%s is read unchanged', async ([, files]) => {
    expect(await read(zipOf(files))).toBe(`stock.csv: ${CSV}`);
  });

  test('a file in a folder is read', async () => {
    const files = [
      { name: 'export/', content: '' },
      { name: 'export/stock.csv', content: CSV },
    ];
    expect(await read(zipOf(files))).toBe(`export/stock.csv: ${CSV}`);
  });

  test('an empty file is read', async () => {
    expect(await read(zipOf([{ name: 'empty.csv', content: '' }]))).toBe('empty.csv: ');
  });

  test('a workbook is recognised', async () => {
    expect(await read(zipOf([part('[Content_Types].xml'), part('xl/workbook.xml')]))).toBe(
      'a workbook',
    );
  });

  test('a file of many chunks is read completely', async () => {
    const content = createHash('shake256', { outputLength: 3_000_001 }).update('x').digest('hex');
    expect(await read(zipOf([{ name: 'a', content }]))).toBe(`a: ${content}`);
  });

  test('a reader that stops early leaves no file open', async () => {
    const content = createHash('shake256', { outputLength: 3_000_001 }).update('x').digest('hex');
    const opened = await openArchive(await onDisk(zipOf([{ name: 'a', content }])), FORMAT_LIMITS);
    if (opened.kind !== 'file') throw new Error('not a file');
    await opened.bytes.next();
    opened.archive.close();
    opened.archive.close();
    await expect(all(opened.bytes)).rejects.toThrow();
  });
});

const gzip = Buffer.from([0x1f, 0x8b, 0x08, 0, 0]);

describe('an unsupported archive is refused with a reason', () => {
  test.for([
    ['no file at all', zipOf([]), /holds no file/],
    [
      'several files',
      zipOf(['a.csv', 'b.csv', 'c.csv', 'd.csv'].map(part)),
      /holds 4 files \("a.csv", "b.csv", "c.csv", …\)/,
    ],
    [
      'an archive in an archive',
      zipOf([{ name: 'in.zip', content: zipOf([part('a')]) }]),
      /"in.zip", which is a workbook or an archive itself/,
    ],
    ['gzip in an archive', zipOf([{ name: 'in.gz', content: gzip }]), /an archive itself/],
    [
      'an encrypted file',
      zipOf([{ name: 'a.csv', content: CSV, isEncrypted: true }]),
      /encrypted; send the file without a password/,
    ],
    [
      'an unknown method',
      zipOf([{ name: 'a.csv', content: CSV, method: 14 }]),
      /method \(14\) that is not supported/,
    ],
    ['a path that climbs out', zipOf([part('../../etc/passwd')]), /invalid relative path/],
    ['a file listed twice', zipOf([part('a.csv'), part('A.csv')]), /lists "A.csv" twice/],
    ['OpenDocument', zipOf([part('mimetype'), part('content.xml')]), /OpenDocument file/],
    [
      'a binary workbook',
      zipOf([part('[Content_Types].xml'), part('xl/workbook.bin')]),
      /\.xlsb\); save it as an Excel workbook/,
    ],
    [
      'a text document',
      zipOf([part('[Content_Types].xml'), part('word/document.xml')]),
      /Office document, not a workbook/,
    ],
  ] as const)('%s', async ([, bytes, message]) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(message),
    });
  });
});

describe('an archive that is damaged or states wrong sizes is refused', () => {
  const good = zipOf([{ name: 'stock.csv', content: CSV.repeat(1000) }]);
  const damagedAt = (at: number, byte: number): Buffer => {
    const bytes = Buffer.from(good);
    bytes[at] = byte;
    return bytes;
  };

  test.for([
    ['a wrong checksum', zipOf([{ name: 'a', content: CSV, crc: 1 }]), /checksum of "a" is wrong/],
    [
      'more bytes than declared',
      zipOf([{ name: 'a', content: CSV, declaredBytes: 3 }]),
      /not have the size that the archive states, 3 bytes/,
    ],
    [
      'fewer bytes than declared',
      zipOf([{ name: 'a', content: CSV, declaredBytes: 3000 }]),
      /not have the size that the archive states, 3000 bytes/,
    ],
    [
      'a stored file of another size',
      zipOf([{ name: 'a', content: CSV, isStored: true, declaredBytes: 7 }]),
      /not have the size/,
    ],
    ['bytes that do not inflate', damagedAt(45, 0xff), /damaged or truncated/],
    ['a directory that points elsewhere', damagedAt(good.length - 6, 0), /damaged or truncated/],
    ['its first half', good.subarray(0, good.length / 2), /damaged or truncated/],
    ['all but its last byte', good.subarray(0, -1), /damaged or truncated/],
    ['its end alone', good.subarray(-22), /damaged or truncated/],
    ['nothing', Buffer.alloc(0), /damaged or truncated/],
  ] as const)('%s', async ([, bytes, message]) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(message),
    });
  });

  test('wherever it is truncated', async () => {
    const small = zipOf([{ name: 'a.csv', content: CSV }]);
    const path = await onDisk(small);
    for (let bytes = small.length - 1; bytes >= 0; bytes -= 1) {
      await truncate(path, bytes);
      await expect(openArchive(path, FORMAT_LIMITS), `${bytes} bytes`).rejects.toMatchObject({
        code: 'body_malformed',
      });
    }
  });

  test('a missing file gives the system’s error', async () => {
    await expect(openArchive('/nowhere/at.all', FORMAT_LIMITS)).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

const zeros = (bytes: number) => zipOf([{ name: 'a', content: Buffer.alloc(bytes) }]);

describe('an archive that unpacks to too much is refused', () => {
  test('by its compression ratio, early', async () => {
    const archive = zipOf([bomb('a', 1024)]);
    expect(archive.length).toBeLessThan(2 * 1024 ** 2);
    const opened = await openArchive(await onDisk(archive), FORMAT_LIMITS);
    if (opened.kind !== 'file') throw new Error('not a file');
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of opened.bytes) bytes += chunk.length;
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(/more than 200 times its size/),
    });
    opened.archive.close();
    expect(bytes).toBeLessThan(FORMAT_LIMITS.ratioMax * archive.length + 1024 ** 2);
  });

  test('by its stated size, before anything is unpacked', async () => {
    const limits = { ...FORMAT_LIMITS, inflatedBytesMax: 1000 };
    await expect(read(zeros(1001), limits)).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(/more than 1000 bytes/),
    });
    expect(await read(zeros(1000), limits)).toHaveLength(1003);
  });

  test('by the number of files that it lists', async () => {
    const files = Array.from({ length: 11 }, (_, i) => part(`file${i}`));
    const limits = { ...FORMAT_LIMITS, entriesMax: 10 };
    await expect(read(zipOf(files), limits)).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(/more than 10 files/),
    });
  });

  test('by a part that is read again and again', async () => {
    const path = await onDisk(zipOf([{ name: 'a', content: 'x'.repeat(600) }]));
    const opened = await openArchive(path, { ...FORMAT_LIMITS, inflatedBytesMax: 1500 });
    await all(opened.archive.read('a'));
    await expect(all(opened.archive.read('a'))).rejects.toMatchObject({ code: 'body_too_large' });
    opened.archive.close();
  });
});
