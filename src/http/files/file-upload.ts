import multipart, { type Multipart } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import type { FileStorage, WrittenFile } from '../../files/storage.ts';
import { headerOf } from '../request/headers.ts';

/** A file that came with a request, and lies on disk. */
export interface UploadedFile extends WrittenFile {
  readonly filename: string | null;
}

const FIELDS_MAX = 10;
const FIELD_BYTES_MAX = 4096;

/** Lets the routes of a scope read multipart bodies, part by part and never into memory. */
export async function readMultipartIn(scope: FastifyInstance): Promise<void> {
  await scope.register(multipart, {
    // What is too large is refused where it is written.
    limits: {
      fileSize: Infinity,
      files: 1,
      fields: FIELDS_MAX,
      fieldSize: FIELD_BYTES_MAX,
      parts: FIELDS_MAX + 1,
    },
    throwFileSizeLimit: false,
  });
}

/**
 * Writes the file that a request brings, in multipart or as its body, under a uuid. Rejects, leaving
 * nothing behind, with `body_missing`, `body_malformed` where it was cut short, `body_shape_wrong` where a
 * part is neither `file` nor `filename`, and as `FileStorage.write` does.
 */
export async function takeUpload(
  request: FastifyRequest,
  files: FileStorage,
  uuid: string,
  bytesMax: number,
): Promise<UploadedFile> {
  try {
    const taken = request.isMultipart()
      ? await takeParts(request, files, uuid, bytesMax)
      : { ...(await writeBody(request, files, uuid, bytesMax)), filename: null };
    if (taken.bytes === 0) throw missing();
    return { ...taken, filename: taken.filename ?? dispositionName(request) };
  } catch (error) {
    // The rest is read and dropped, so that the client gets to read the answer.
    request.raw.unpipe();
    request.raw.resume();
    await files.remove(uuid);
    if (request.raw.errored !== null) throw cutShort(error);
    throw asRefusal(error);
  }
}

function writeBody(
  { raw }: FastifyRequest,
  files: FileStorage,
  uuid: string,
  bytesMax: number,
): Promise<WrittenFile> {
  const declaredBytes = Number(raw.headers['content-length'] ?? 0);
  if (declaredBytes > bytesMax) throw tooLarge(bytesMax);
  // To leave the loop early must not end the connection: the answer is still to be sent.
  return files.write(uuid, raw.iterator({ destroyOnReturn: false }), { bytesMax });
}

async function takeParts(
  request: FastifyRequest,
  files: FileStorage,
  uuid: string,
  bytesMax: number,
): Promise<UploadedFile> {
  let written: UploadedFile | undefined;
  let filename: string | null = null;
  for await (const part of request.parts()) {
    if (part.type === 'file') {
      if (part.fieldname !== 'file') throw unknownPart(part);
      const file = part.file.iterator({ destroyOnReturn: false });
      written = {
        ...(await files.write(uuid, file, { bytesMax })),
        filename: part.filename || null,
      };
    } else if (part.fieldname === 'filename' && typeof part.value === 'string') {
      filename = part.value;
    } else throw unknownPart(part);
  }
  if (written === undefined) throw missing();
  return { ...written, filename: filename || written.filename };
}

function unknownPart({ fieldname }: Multipart): OnhandError {
  return new OnhandError(
    'body_shape_wrong',
    `The form has a part ${JSON.stringify(fieldname.slice(0, 64))}; only "file", which must be a file, and "filename" are read. What else is asked for stands in the query, as ?mode=snapshot.`,
  );
}

function missing(): OnhandError {
  return new OnhandError(
    'body_missing',
    'The request brings no file; send it as the body, or as the part "file" of a multipart/form-data form.',
  );
}

function tooLarge(bytesMax: number): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The file is larger than ${bytesMax} bytes; compress it with gzip, or send it in several files.`,
  );
}

function cutShort(cause: unknown): OnhandError {
  return new OnhandError('body_malformed', 'The file was cut short.', { cause });
}

/** What the reader of forms complains of is a fault of the form. */
function asRefusal(error: unknown): unknown {
  if (error instanceof OnhandError || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT' || code === 'FST_FIELDS_LIMIT') {
    return new OnhandError('body_shape_wrong', 'The form has too many parts; one file is read.');
  }
  if (code !== '' && !code.startsWith('FST_') && !code.startsWith('ERR_')) return error;
  return new OnhandError(
    'body_malformed',
    `The body is not multipart/form-data as it should be: ${error.message}.`,
    { cause: error },
  );
}

/** The name by `Content-Disposition: attachment; filename="stock.csv"`. */
function dispositionName(request: FastifyRequest): string | null {
  const header = headerOf(request, 'content-disposition') ?? '';
  const match = /filename="([^"]*)"|filename=([^\s;]+)/i.exec(header);
  return match?.[1] || match?.[2] || null;
}

const FILENAME_CHARACTERS_MAX = 255;

/** A name as it is shown: without folders, control characters, or more than 255 characters. */
export function shownName(name: string | null): string | null {
  const last = name?.split(/[\\/]/).at(-1) ?? '';
  const shown = last.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}]/gu, '');
  return shown === '' ? null : Array.from(shown).slice(-FILENAME_CHARACTERS_MAX).join('');
}
