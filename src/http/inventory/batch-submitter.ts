import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { APPLIED } from '../../domain/batch-decision.ts';
import type { Batch, BatchOptions, BatchOutcome, BatchSource } from '../../domain/batches.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Lines } from '../../domain/lines.ts';
import type { SafetyLimit } from '../../domain/safety-limit.ts';
import type { Intake } from '../../intake/intake.ts';
import type { AuditStore, BatchStore } from '../../store/store.ts';
import type { Chunk } from '../../wire/lines/stream-chunks.ts';
import { ConfirmationRequired } from '../problems.ts';
import { appendNote, noteOf } from '../accounts/author.ts';
import type { Admission } from '../request/admission.ts';
import { headerOf } from '../request/parameters.ts';
import { traceOf } from '../request/request-trace.ts';
import { streamRefused, type AsOfRules, type WriteOptions } from './write-options.ts';

/** Each is a setting of `config.ts`. */
export interface WriteSettings {
  readonly idempotencyKeptHours: number;
  readonly asOfToleranceSeconds: number;
  /** The default safety limit of snapshots. */
  readonly snapshotBreakerPercent: number;
  readonly snapshotBreakerSkusMin: number;
}

interface SubmitterParts {
  readonly admission: Admission;
  readonly intake: Pick<Intake, 'submit' | 'submitWhenRoom'>;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly batches: Pick<BatchStore, 'safetyLimitOf' | 'confirm' | 'failures' | 'find'>;
  readonly settings: WriteSettings;
  /** Called after a batch of which results are stored, with about how many bytes. */
  readonly onResultsStored: (supplierId: number, bytes: number) => void;
}

/** A write request whose body has been read and parsed. */
interface WriteRequest {
  readonly source: BatchSource;
  readonly body: string | Uint8Array;
  readonly lines: Lines;
  readonly options: WriteOptions;
}

export interface Submitted {
  /** The lines, with the parse failures to report: for a repeated request, those of the first response. */
  readonly lines: Lines;
  readonly outcome: BatchOutcome;
  /** Response headers that describe the batch. */
  readonly headers: Readonly<Record<string, string | number>>;
}

const HOUR_MS = 3_600_000;
const CONFIRMATION_MS = HOUR_MS;
const UNREADABLE = 400;
/** The stored result of a line, beside what the line contains. */
const RESULT_BYTES = 128;

/** Makes a batch of a write request and submits it. */
export class BatchSubmitter {
  readonly #parts: SubmitterParts;

  constructor(parts: SubmitterParts) {
    this.#parts = parts;
  }

  /** The rules for timestamps in a request that arrives now. */
  asOfRules(): AsOfRules {
    return { nowMs: Date.now(), asOfToleranceSeconds: this.#parts.settings.asOfToleranceSeconds };
  }

  /**
   * Rejects as `Intake.submit` does, with `snapshot_refused` for a snapshot without a readable line, and with
   * `ConfirmationRequired` when a safety limit refuses the batch.
   */
  async submit(request: FastifyRequest, write: WriteRequest): Promise<Submitted> {
    const { lines, options } = write;
    if (lines.refusals.size === lines.count) {
      if (options.isSnapshot) throw emptySnapshot();
      return { lines, outcome: nothingApplied(lines), headers: {} };
    }
    const batch = await this.#batchOf(request, write);
    const outcome = await this.#submitOrAskConfirmation(request, write, batch);
    const headers = {
      ...(outcome.uuid !== null && { 'batch-id': outcome.uuid }),
      ...(options.isSnapshot && { 'snapshot-zeroed': outcome.zeroedCount }),
    };
    if (outcome.repeats !== null) return this.#repeated(batch, { lines, outcome, headers });
    this.#noteStored(batch, outcome, write.body.length);
    if (batch.options?.confirmation !== undefined)
      await this.#noteConfirmed(request, batch, outcome);
    const key = batch.options?.idempotency;
    const expiry = key === undefined ? {} : expiryHeader(key.expiresAtMs);
    return { lines, outcome, headers: { ...headers, ...expiry } };
  }

  async #noteConfirmed(
    request: FastifyRequest,
    { lines }: Batch,
    { uuid }: BatchOutcome,
  ): Promise<void> {
    if (uuid === null) return;
    const { admission, audit } = this.#parts;
    const details = { lines: lines.count };
    const deed = { action: 'batch.confirmed', subject: uuid, details } as const;
    await appendNote(audit, request, noteOf(request, admission.principalOf(request), deed));
  }

  /** Rejects with `stream_refused` if the supplier has a safety limit: it applies to a complete input only. */
  async admitStream(request: FastifyRequest): Promise<void> {
    const { organizationId: supplierId } = this.#parts.admission.principalOf(request);
    const limit = await this.#parts.batches.safetyLimitOf(supplierId);
    if (limit !== null) throw streamRefused("This supplier's breaker");
  }

  /**
   * Submits a chunk of a stream, waiting while the queue is full. If the stream has an idempotency key, each chunk has
   * one of its own, made of that key and the index of its first line. Rejects with `store_unavailable`, with
   * `breaker_tripped` if the supplier was given a safety limit after the stream began, and with
   * `idempotency_key_reused`.
   */
  async submitChunk(
    request: FastifyRequest,
    { lines, first, fingerprint, bytes }: Chunk,
    options: WriteOptions,
  ): Promise<Submitted> {
    if (lines.refusals.size === lines.count) {
      return { lines, outcome: nothingApplied(lines), headers: {} };
    }
    const { idempotencyKey: streamKey } = options;
    const idempotencyKey = streamKey === undefined ? undefined : `${streamKey}#${first.index}`;
    const batch = await this.#batchOf(request, {
      source: 'stream',
      body: fingerprint ?? '',
      lines,
      options: { ...options, idempotencyKey },
    });
    const outcome = await this.#parts.intake.submitWhenRoom(batch);
    const submitted = { lines, outcome, headers: {} };
    if (outcome.repeats !== null) return this.#repeated(batch, submitted);
    this.#noteStored(batch, outcome, bytes);
    return submitted;
  }

  #noteStored({ supplierId, lines, options }: Batch, outcome: BatchOutcome, bytes: number): void {
    if (outcome.uuid === null) return;
    const failed = outcome.statuses.reduce((sum, status) => sum + (status === APPLIED ? 0 : 1), 0);
    const kept = failed + (options?.idempotency === undefined ? 0 : outcome.effects.size);
    if (kept === 0) return;
    const lineBytes = bytes / lines.count + RESULT_BYTES;
    this.#parts.onResultsStored(supplierId, Math.ceil(kept * lineBytes));
  }

  async #batchOf(request: FastifyRequest, write: WriteRequest): Promise<Batch> {
    const { organizationId: supplierId, userId } = this.#parts.admission.principalOf(request);
    const { source, lines } = write;
    const { reason, reference } = write.options;
    const options = await this.#batchOptions(request, write);
    return {
      supplierId,
      userId,
      source,
      lines,
      ...(reason !== undefined && { reason }),
      ...(reference !== undefined && { reference }),
      ...traceOf(request),
      ...(options !== undefined && { options }),
    };
  }

  /** Undefined if the request has no options, as most have none. */
  async #batchOptions(
    request: FastifyRequest,
    { source, body, options }: WriteRequest,
  ): Promise<BatchOptions | undefined> {
    const { idempotencyKey: key, confirmationCode: code, dryRun, atomic, isSnapshot } = options;
    const batchOptions: BatchOptions = {
      ...(dryRun && { dryRun }),
      ...(atomic && { atomic }),
      ...((options.withEffects || dryRun) && { withEffects: true }),
      ...(isSnapshot && {
        snapshot: {
          asOfUs: options.asOf.asOfUs ?? null,
          defaultSafetyLimit: this.#defaultSafetyLimit,
        },
      }),
      ...(key !== undefined &&
        !dryRun && {
          idempotency: {
            key,
            fingerprint: await requestFingerprint(request, source, body),
            requestId: request.id,
            expiresAtMs: this.#keyExpiryMs(options.asOf.nowMs),
          },
        }),
      ...(code !== undefined && {
        confirmation: {
          code,
          fingerprint: await bodyFingerprint(request, source, isSnapshot, body),
        },
      }),
    };
    return Object.keys(batchOptions).length === 0 ? undefined : batchOptions;
  }

  get #defaultSafetyLimit(): SafetyLimit {
    const { snapshotBreakerPercent, snapshotBreakerSkusMin } = this.#parts.settings;
    return { percentMax: snapshotBreakerPercent, skusMin: snapshotBreakerSkusMin };
  }

  /** When an idempotency key used at this time expires: a whole second, because a header reports it. */
  #keyExpiryMs(usedAtMs: number): number {
    const expiresAtMs = usedAtMs + this.#parts.settings.idempotencyKeptHours * HOUR_MS;
    return Math.floor(expiresAtMs / 1000) * 1000;
  }

  async #submitOrAskConfirmation(
    request: FastifyRequest,
    { source, body, options }: WriteRequest,
    batch: Batch,
  ): Promise<BatchOutcome> {
    try {
      return await this.#parts.intake.submit(batch);
    } catch (error) {
      const isRefused = error instanceof OnhandError && error.code === 'breaker_tripped';
      if (!isRefused || options.dryRun) throw error;
      const code = await this.#parts.batches.confirm(
        batch.supplierId,
        await bodyFingerprint(request, source, options.isSnapshot, body),
        Date.now() + CONFIRMATION_MS,
      );
      throw new ConfirmationRequired(
        `${error.message} If it is meant, send the same body again within an hour with the header "Confirmation-Code: ${code}".`,
        code,
      );
    }
  }

  /**
   * Reports the parse failures of the first response. They can differ from those of this one: a timestamp
   * that was too far in the future then may be valid now.
   */
  async #repeated({ supplierId }: Batch, submitted: Submitted): Promise<Submitted> {
    const { lines, outcome } = submitted;
    const { batches } = this.#parts;
    const uuid = outcome.uuid ?? '';
    const batch = await batches.find(supplierId, uuid);
    const headers = {
      ...submitted.headers,
      'idempotent-replayed': 'true',
      ...(batch !== undefined && expiryHeader(this.#keyExpiryMs(batch.appliedAtMs))),
    };
    const failures = outcome.statuses.includes(UNREADABLE)
      ? await batches.failures(supplierId, uuid)
      : [];
    if (failures === undefined) return { lines, outcome, headers };
    const refusals = new Map(
      failures.flatMap(({ index, message }) =>
        message === null ? [] : [[index, { message, namesRead: true }] as const],
      ),
    );
    return { lines: { ...lines, refusals }, outcome, headers };
  }
}

/**
 * Identifies the request that an idempotency key belongs to: query, body, and the headers that change what
 * is done or returned.
 */
function requestFingerprint(
  request: FastifyRequest,
  source: BatchSource,
  body: string | Uint8Array,
): Promise<Uint8Array> {
  const start = request.url.indexOf('?');
  const query = start < 0 ? '' : request.url.slice(start + 1);
  return hash([source, query, headerOf(request, 'prefer'), headerOf(request, 'as-of')], body);
}

/** Identifies what a confirmation code lets through: the body and what changes its effect. */
function bodyFingerprint(
  request: FastifyRequest,
  source: BatchSource,
  isSnapshot: boolean,
  body: string | Uint8Array,
): Promise<Uint8Array> {
  return hash([source, isSnapshot, headerOf(request, 'as-of')], body);
}

/** How much of a body is hashed without a pause, in bytes. */
const HASH_SLICE_BYTES = 1_048_576;

async function hash(head: readonly unknown[], body: string | Uint8Array): Promise<Uint8Array> {
  const digest = createHash('sha256').update(JSON.stringify(head)).update('\n');
  if (typeof body === 'string') return digest.update(body).digest();
  for (let from = startOf(body); from < body.length; from += HASH_SLICE_BYTES) {
    digest.update(body.subarray(from, from + HASH_SLICE_BYTES));
    await nextTurn();
  }
  return digest.digest();
}

/** Where the text begins: a byte order mark does not belong to it. */
function startOf(body: Uint8Array): number {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
}

function expiryHeader(expiresAtMs: number): Readonly<Record<string, string>> {
  return { 'idempotency-key-expires': new Date(expiresAtMs).toUTCString() };
}

function nothingApplied({ count }: Lines): BatchOutcome {
  return {
    uuid: null,
    statuses: new Uint16Array(count).fill(UNREADABLE),
    details: new Map(),
    effects: new Map(),
    zeroedCount: 0,
    repeats: null,
  };
}

function emptySnapshot(): OnhandError {
  return new OnhandError(
    'snapshot_refused',
    'A snapshot without a readable line would set every SKU to zero. Send the complete array. Nothing was applied.',
  );
}
