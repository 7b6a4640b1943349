import type { BatchSource } from '../domain/batches.ts';
import { OnhandError, type ErrorCode } from '../domain/errors.ts';
import { isFileFormat, RESULT_OF_STATUS } from './definitions.ts';
import type { Instruments } from './instruments.ts';

/** A request whose response has ended. */
export interface AnsweredRequest {
  /** One of HTTP's methods, or `_OTHER`. */
  readonly method: string;
  /** The template of its path, such as `/timp/products/skus/:uuid/`; undefined if there is no such path. */
  readonly route: string | undefined;
  readonly status: number;
  readonly durationMs: number;
  readonly error: ErrorCode | undefined;
  /** Whether it was a stream or a long poll, which lasts as long as its client likes. */
  readonly isStream: boolean;
}

/** Counts what happens. Each call is made per request, batch, group, message or file: none is per line. */
export class Recorder {
  readonly #instruments: Instruments;

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
  }

  answered({ method, route, status, durationMs, error, isStream }: AnsweredRequest): void {
    this.#instruments.observe(
      'http_server_request_duration_seconds',
      {
        http_request_method: method,
        ...(route !== undefined && { http_route: route }),
        http_response_status_code: String(status),
        ...(isStream && { onhand_stream: 'true' }),
      },
      durationMs / 1000,
    );
    if (error !== undefined) this.#instruments.count('onhand_request_errors_total', { error });
  }

  /** A batch was given to the store. */
  waited(durationMs: number): void {
    this.#instruments.observe('onhand_queue_wait_seconds', {}, durationMs / 1000);
  }

  committed(durationMs: number): void {
    this.#instruments.observe('onhand_commit_duration_seconds', {}, durationMs / 1000);
  }

  /**
   * A batch was applied.
   *
   * @param counts how many lines have each status
   */
  applied(source: BatchSource, counts: Iterable<readonly [status: number, count: number]>): void {
    this.#instruments.count('onhand_batches_total', { source });
    for (const [status, count] of counts) {
      const result = RESULT_OF_STATUS[status] ?? 'refused';
      this.#instruments.count('onhand_lines_total', { result, source }, count);
    }
  }

  /** A batch was refused as a whole, or could not be written. */
  refused(reason: unknown): void {
    const error = reason instanceof OnhandError ? reason.code : 'internal';
    this.#instruments.count('onhand_batches_refused_total', { error });
  }

  /** An attempt to deliver a message to a webhook has ended. */
  attempted(outcome: 'delivered' | 'failed' | 'gone'): void {
    this.#instruments.count('onhand_webhook_deliveries_total', { outcome });
  }

  webhookPaused(): void {
    this.#instruments.count('onhand_webhooks_paused_total', {});
  }

  /** @param format null if the file was not recognized */
  fileEnded(state: string, format: string | null): void {
    const known = format !== null && isFileFormat(format) ? format : 'other';
    this.#instruments.count('onhand_files_total', { state, format: known });
  }
}
