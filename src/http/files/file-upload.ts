import { headerOf } from '../request/parameters.ts';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import multipart, { type Multipart, type MultipartValue } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { parseRule, RULE_NAMES, type RuleName } from '../../domain/reading-rules.ts';
import type { WrittenFile } from '../../files/storage.ts';

/** An uploaded file, written to disk. */
export interface UploadedFile extends WrittenFile {
  readonly filename: string | null;
  /** The reading rules among the parts of a form. */
  readonly rules: readonly (readonly [name: RuleName, text: string])[];
}

/** The uploads in progress. They have no time limit as long as data keeps arriving. */
export class OpenUploads {
  readonly #sockets = new WeakSet<Socket>();
  readonly #idleMs: number;

  /** @param idleMs after this time without data the connection is closed */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** Whether a connection carries an upload, to which the usual request timeout does not apply. */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  /** Runs `work`, which receives the upload. */
  async during<T>(request: IncomingMessage, work: () => Promise<T>): Promise<T> {
    const { socket } = request;
    this.#sockets.add(socket);
    request.setTimeout(this.#idleMs, () => {
      request.destroy(new OnhandError('request_timeout', 'No data arrived for too long.'));
    });
    try {
      return await work();
    } finally {
      this.#sockets.delete(socket);
      socket.setTimeout(0);
    }
  }
}

/** The file name and the rules. */
const FIELDS_MAX = 1 + RULE_NAMES.length;
const FIELD_BYTES_MAX = 65_536;

/** Registers a streaming multipart parser for the routes of a scope. */
export async function registerMultipart(scope: FastifyInstance): Promise<void> {
  await scope.register(multipart, {
    // `UploadTarget.write` checks the size.
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

/** What is done with the bytes of an upload. */
export interface UploadTarget {
  readonly bytesMax: number;
  readonly write: (content: AsyncIterable<Uint8Array>) => Promise<WrittenFile>;
  /** Removes what was written of an upload that fails. */
  readonly remove: () => Promise<void>;
}

/** The size of a request's body as far as its client declares it; 0 if it does not. */
export function declaredBytesOf({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

/** Reads and discards the rest of a request, so that its client can read the response. */
export function discardRest({ raw }: FastifyRequest): void {
  raw.unpipe();
  raw.resume();
}

/**
 * Receives the file that a request sends, as multipart or as its body. Rejects with
 * `body_missing`, `body_malformed` if it is truncated, `body_shape_wrong` for an unknown part,
 * `parameter_invalid` for an invalid rule, and as `target.write` does; then nothing remains on disk.
 */
export async function receiveUpload(
  request: FastifyRequest,
  target: UploadTarget,
): Promise<UploadedFile> {
  try {
    const upload = request.isMultipart()
      ? await receiveParts(request, target)
      : { ...(await writeBody(request, target)), filename: null, rules: [] };
    if (upload.bytes === 0) throw missing();
    return { ...upload, filename: upload.filename ?? dispositionName(request) };
  } catch (error) {
    discardRest(request);
    await target.remove();
    if (request.raw.errored !== null) throw truncated(error);
    throw asFormError(error);
  }
}

function writeBody(
  { raw }: FastifyRequest,
  { bytesMax, write }: UploadTarget,
): Promise<WrittenFile> {
  if (declaredBytesOf(raw) > bytesMax) throw tooLarge(bytesMax);
  // Stopping early must not close the connection: the response still has to be sent.
  return write(raw.iterator({ destroyOnReturn: false }));
}

async function receiveParts(
  request: FastifyRequest,
  { write }: UploadTarget,
): Promise<UploadedFile> {
  let written: (WrittenFile & { readonly filename: string | null }) | undefined;
  let filename: string | null = null;
  const rules: (readonly [RuleName, string])[] = [];
  for await (const part of request.parts()) {
    if (part.type === 'file') {
      if (part.fieldname !== 'file') throw unknownPart(part);
      const file = part.file.iterator({ destroyOnReturn: false });
      written = {
        ...(await write(file)),
        filename: part.filename || null,
      };
    } else if (part.fieldname === 'filename' && typeof part.value === 'string') {
      filename = part.value;
    } else rules.push(ruleOf(part));
  }
  if (written === undefined) throw missing();
  return { ...written, filename: filename || written.filename, rules };
}

/** The reading rule that a part of a form gives. */
function ruleOf(part: MultipartValue): readonly [RuleName, string] {
  const name = RULE_NAMES.find((known) => known === part.fieldname);
  if (name === undefined || typeof part.value !== 'string') throw unknownPart(part);
  if (part.valueTruncated)
    throw new OnhandError('parameter_invalid', `${name} is longer than ${FIELD_BYTES_MAX} bytes.`);
  parseRule(name, part.value);
  return [name, part.value];
}

function unknownPart({ fieldname }: Pick<Multipart, 'fieldname'>): OnhandError {
  return new OnhandError(
    'body_shape_wrong',
    `The form has a part ${JSON.stringify(fieldname.slice(0, 64))}; allowed are "file", which must be a file, "filename" and the reading rules: ${RULE_NAMES.join(', ')}. Other options go into the query, such as ?mode=snapshot.`,
  );
}

function missing(): OnhandError {
  return new OnhandError(
    'body_missing',
    'The request has no file. Send it as the body, or as the part "file" of a multipart/form-data form.',
  );
}

function tooLarge(bytesMax: number): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The file is larger than ${bytesMax} bytes. Compress it with gzip, or split it into several files.`,
  );
}

function truncated(cause: unknown): OnhandError {
  return new OnhandError('body_malformed', 'The file is incomplete.', { cause });
}

/** Errors of the multipart parser are errors of the form; any other error is returned unchanged. */
function asFormError(error: unknown): unknown {
  if (error instanceof OnhandError || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT' || code === 'FST_FIELDS_LIMIT') {
    return new OnhandError('body_shape_wrong', 'The form has too many parts; send one file.');
  }
  if (code !== '' && !code.startsWith('FST_') && !code.startsWith('ERR_')) return error;
  return new OnhandError(
    'body_malformed',
    `The body is not valid multipart/form-data: ${error.message}.`,
    { cause: error },
  );
}

/** The file name from `Content-Disposition: attachment; filename="stock.csv"`. */
function dispositionName(request: FastifyRequest): string | null {
  const header = headerOf(request, 'content-disposition') ?? '';
  const match = /filename="([^"]*)"|filename=([^\s;]+)/i.exec(header);
  return match?.[1] || match?.[2] || null;
}

const FILENAME_CHARACTERS_MAX = 255;

/** A file name to store: without folders and control characters, at most 255 characters. */
export function cleanFilename(name: string | null): string | null {
  const last = name?.split(/[\\/]/).at(-1) ?? '';
  const cleaned = last.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}]/gu, '');
  return cleaned === '' ? null : Array.from(cleaned).slice(-FILENAME_CHARACTERS_MAX).join('');
}
