import { constants, crc32, deflateRawSync } from 'node:zlib';

/** A file to be put into an archive, and the lies to be told of it. */
export interface Packed {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly isStored?: boolean;
  readonly isEncrypted?: boolean;
  readonly method?: number;
  readonly crc?: number;
  readonly declaredBytes?: number;
  /** What stands in the archive, instead of the content. */
  readonly data?: Buffer;
}

/** A zip archive, written by hand so that it can lie. */
export function zipOf(files: readonly Packed[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const content = Buffer.from(file.content);
    const data = file.data ?? (file.isStored === true ? content : deflateRawSync(content));
    const name = Buffer.from(file.name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x800 + (file.isEncrypted === true ? 1 : 0), 2);
    fields.writeUInt16LE(file.method ?? (file.isStored === true ? 0 : 8), 4);
    fields.writeUInt32LE(file.crc ?? crc32(content), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(file.declaredBytes ?? content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), fields, name, data]);
    const position = Buffer.alloc(14);
    position.writeUInt32LE(offset, 10);
    locals.push(local);
    directory.push(Buffer.from('PK\u0001\u0002\u0014\0'), fields, position, name);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, listed, Buffer.from('PK\u0005\u0006'), end]);
}

/** A file of `mebibytes` MiB, all spaces, packed into a thousandth of that. */
export function bomb(name: string, mebibytes: number): Packed {
  const block = deflateRawSync(Buffer.alloc(1024 ** 2, ' '), {
    finishFlush: constants.Z_FULL_FLUSH,
  });
  const blocks = Array.from({ length: mebibytes }, () => block);
  const data = Buffer.concat([...blocks, deflateRawSync('')]);
  return { name, content: '', data, declaredBytes: mebibytes * 1024 ** 2 };
}
