import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SafetyLimit } from '../../domain/safety-limit.ts';
import type { Batch, BatchOutcome, BatchSource, BatchOptions } from '../../domain/batches.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Lines } from '../../domain/lines.ts';
import type { Intake } from '../../intake/intake.ts';
import type { BatchStore } from '../../store/store.ts';
import { bodyFingerprint, requestFingerprint } from './fingerprints.ts';
import type { Admission } from '../request/admission.ts';
import { ConfirmationRequired } from '../problems.ts';
import { streamRefused, type WriteOptions } from './write-options.ts';

/** What writing is told about how to run; each is a setting of `config.ts`. */
export interface WriteSettings {
  readonly idempotencyKeptHours: number;
  readonly asOfToleranceSeconds: number;
  /** A snapshot that takes more than this share of the live SKUs down, and so many, is held back. */
  readonly snapshotBreakerPercent: number;
  readonly snapshotBreakerSkusMin: number;
}

interface WriterParts {
  readonly gate: Admission;
  readonly intake: Pick<Intake, 'submit' | 'submitWhenRoom'>;
  readonly batches: Pick<BatchStore, 'safetyLimitOf' | 'confirm' | 'failures' | 'find'>;
  readonly settings: WriteSettings;
}

/** A request to write, read whole. */
interface Writing {
  readonly source: BatchSource;
  readonly body: string;
  readonly lines: Lines;
  readonly terms: WriteOptions;
}

/** What became of a request to write. */
export interface Written {
  /** The lines with the refusals that were answered. */
  readonly lines: Lines;
  readonly outcome: BatchOutcome;
}

const HOUR_MS = 3_600_000;
const CONFIRMATION_MS = HOUR_MS;
const UNREADABLE = 400;

/** Makes a batch of a request to write, has it applied, and tells in headers what became of it. */
export class Writer {
  readonly #parts: WriterParts;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** How times are read that come with a request. */
  get asOf(): { readonly nowMs: number; readonly asOfToleranceSeconds: number } {
    return { nowMs: Date.now(), asOfToleranceSeconds: this.#parts.settings.asOfToleranceSeconds };
  }

  /** Rejects as `Intake.submit` does; a breaker's refusal has the code that confirms it. */
  async write(request: FastifyRequest, reply: FastifyReply, writing: Writing): Promise<Written> {
    const { lines, terms } = writing;
    if (terms.dryRun) reply.header('dry-run', 'true');
    const isNothingRead = lines.refusals.size === lines.count;
    if (terms.isSnapshot && isNothingRead) throw emptySnapshot();
    if (isNothingRead) return { lines, outcome: nothingDone(lines) };
    const batch = this.#batchOf(request, writing);
    const outcome = await this.#submit(request, writing, batch);
    if (outcome.uuid !== null) reply.header('batch-id', outcome.uuid);
    if (terms.isSnapshot) reply.header('snapshot-zeroed', outcome.zeroedCount);
    return outcome.repeats === null
      ? this.#first(reply, batch, lines, outcome)
      : this.#repeated(reply, batch, lines, outcome);
  }

  /** Rejects with `stream_refused` where a breaker of the supplier's own has to judge the whole. */
  async admitStream(request: FastifyRequest): Promise<void> {
    const { organizationId: supplierId } = this.#parts.gate.principalOf(request);
    const breaker = await this.#parts.batches.safetyLimitOf(supplierId);
    if (breaker !== null) throw streamRefused("This supplier's breaker");
  }

  /**
   * Writes a piece of a stream; it waits where it must. Rejects with `store_unavailable`, or with
   * `breaker_tripped` where the supplier has got a breaker meanwhile.
   */
  async writeChunk(
    request: FastifyRequest,
    lines: Lines,
    terms: WriteOptions,
  ): Promise<BatchOutcome> {
    if (lines.refusals.size === lines.count) return nothingDone(lines);
    const batch = this.#batchOf(request, { source: 'stream', body: '', lines, terms });
    return this.#parts.intake.submitWhenRoom(batch);
  }

  #batchOf(request: FastifyRequest, { source, body, lines, terms }: Writing): Batch {
    const { organizationId: supplierId, userId } = this.#parts.gate.principalOf(request);
    const { reason, reference } = terms;
    const asked = this.#termsOf(request, source, terms, body);
    return {
      supplierId,
      userId,
      source,
      lines,
      ...(reason !== undefined && { reason }),
      ...(reference !== undefined && { reference }),
      ...(asked !== undefined && { options: asked }),
    };
  }

  /** Undefined where nothing is asked for: most requests ask for nothing. */
  #termsOf(
    request: FastifyRequest,
    source: BatchSource,
    terms: WriteOptions,
    body: string,
  ): BatchOptions | undefined {
    const { idempotencyKey: key, confirmationCode: code, dryRun, atomic, isSnapshot } = terms;
    const asked: BatchOptions = {
      ...(dryRun && { dryRun }),
      ...(atomic && { atomic }),
      ...((terms.withEffects || dryRun) && { withEffects: true }),
      ...(isSnapshot && {
        snapshot: { asOfUs: terms.asOf.asOfUs ?? null, defaultSafetyLimit: this.#snapshotBreaker },
      }),
      ...(key !== undefined &&
        !dryRun && {
          idempotency: {
            key,
            fingerprint: requestFingerprint(request, source, body),
            requestId: request.id,
            expiresAtMs: this.#expiryOf(terms.asOf.nowMs),
          },
        }),
      ...(code !== undefined && {
        confirmation: { code, fingerprint: bodyFingerprint(request, source, isSnapshot, body) },
      }),
    };
    return Object.keys(asked).length === 0 ? undefined : asked;
  }

  get #snapshotBreaker(): SafetyLimit {
    const { snapshotBreakerPercent, snapshotBreakerSkusMin } = this.#parts.settings;
    return { percentMax: snapshotBreakerPercent, skusMin: snapshotBreakerSkusMin };
  }

  /** When a key used at this time is forgotten: a whole second, since a header tells it. */
  #expiryOf(usedAtMs: number): number {
    const expiresAtMs = usedAtMs + this.#parts.settings.idempotencyKeptHours * HOUR_MS;
    return Math.floor(expiresAtMs / 1000) * 1000;
  }

  async #submit(
    request: FastifyRequest,
    { source, body, terms }: Writing,
    batch: Batch,
  ): Promise<BatchOutcome> {
    try {
      return await this.#parts.intake.submit(batch);
    } catch (error) {
      const isTripped = error instanceof OnhandError && error.code === 'breaker_tripped';
      if (!isTripped || terms.dryRun) throw error;
      const code = await this.#parts.batches.confirm(
        batch.supplierId,
        bodyFingerprint(request, source, terms.isSnapshot, body),
        Date.now() + CONFIRMATION_MS,
      );
      throw new ConfirmationRequired(
        `${error.message} If it is meant, send the same body again within an hour with the header "Confirmation-Code: ${code}".`,
        code,
      );
    }
  }

  #first(reply: FastifyReply, { options }: Batch, lines: Lines, outcome: BatchOutcome): Written {
    const key = options?.idempotency;
    if (key !== undefined) tellExpiry(reply, key.expiresAtMs);
    return { lines, outcome };
  }

  /**
   * What was answered before stands: a line that was refused then, for a time too far in the future, may
   * be readable now.
   */
  async #repeated(
    reply: FastifyReply,
    { supplierId }: Batch,
    lines: Lines,
    outcome: BatchOutcome,
  ): Promise<Written> {
    const { batches } = this.#parts;
    const uuid = outcome.uuid ?? '';
    reply.header('idempotent-replayed', 'true');
    const batch = await batches.find(supplierId, uuid);
    if (batch !== undefined) tellExpiry(reply, this.#expiryOf(batch.appliedAtMs));
    const failures = outcome.statuses.includes(UNREADABLE)
      ? await batches.failures(supplierId, uuid)
      : [];
    if (failures === undefined) return { lines, outcome };
    const refusals = new Map(
      failures.flatMap(({ index, message }) =>
        message === null ? [] : [[index, { message, namesRead: true }] as const],
      ),
    );
    return { lines: { ...lines, refusals }, outcome };
  }
}

function tellExpiry(reply: FastifyReply, expiresAtMs: number): void {
  reply.header('idempotency-key-expires', new Date(expiresAtMs).toUTCString());
}

function nothingDone({ count }: Lines): BatchOutcome {
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
    'A snapshot with no line that can be read would take every SKU to zero; send the complete array. Nothing was applied.',
  );
}
