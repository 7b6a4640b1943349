import type { ServerResponse } from 'node:http';
import { OnhandError } from '../../domain/errors.ts';
import { Capacity, RESERVED_SHARE, type Exhausted, type Usage } from '../../intake/capacity.ts';

export interface OpenLimits {
  /** Requests that are open at the same time; more are refused with `overloaded`. */
  readonly openRequestsMax: number;
  /** The share of one organization, here and below; more is refused with `organization_budget_exceeded`. */
  readonly organizationOpenRequestsMax: number;
  /**
   * Memory for the bodies and responses of all open requests, in bytes. A body that would exceed it is
   * refused with `overloaded`. At least 8/7 of `requestBytesMax`, so that a single body of that size always fits.
   */
  readonly openBytesMax: number;
  readonly organizationOpenBytesMax: number;
  /** Clients that wait for changes at the same time; more are refused with `overloaded`. */
  readonly followersMax: number;
  readonly organizationFollowersMax: number;
  /** Uploads at the same time; more are refused with `overloaded`. */
  readonly uploadsMax: number;
  readonly organizationUploadsMax: number;
  /** The largest body, in bytes. */
  readonly requestBytesMax: number;
  /** How long a client may read nothing of a response before the connection is closed. */
  readonly requestTimeoutMs: number;
}

/** What kind of request is open: an upload counts as a request too, a follower does not. */
export type RequestKind = 'request' | 'follower' | 'upload';

const RETRY_SECONDS = 1;
const FOLLOWERS_RETRY_SECONDS = 10;

/**
 * Memory reserved for each JSON value in a body, beside its bytes. A body exists as text, as values and as
 * results at the same time: `{},` is three bytes on the wire and a hundred in memory.
 */
const VALUE_BYTES = 64;
/** Memory reserved for each line that cannot be parsed: its result is long even if the line is short. */
const FAILURE_BYTES = 1024;

/** A share of the memory is reserved for small requests, so that large ones cannot starve them. */
const SMALL_BYTES_MAX = 256 * 1024;
const SMALL_SHARE = 1 / 16;
/** What is left for large requests, beside that share and the reserve of quiet organizations. */
const LARGE_SHARE = 1 - SMALL_SHARE - RESERVED_SHARE;
/**
 * A request that is smaller than this share of an organization's memory never reserves more than it, however
 * many values it has. Otherwise a dense body might never fit.
 */
const ENOUGH_SHARE = 1 / 2;
/** Memory reserved for an upload: what has arrived and is not written yet. */
const UPLOAD_BYTES = 256 * 1024;

interface Resource {
  readonly capacity: Capacity;
  /** As in "the server has no more …". */
  readonly what: string;
  /** The variables of the settings that limit it. */
  readonly variable: string;
  readonly organizationVariable: string;
  readonly retrySeconds: number;
}

/** The open requests, and the memory that they reserve. */
export class OpenRequests {
  readonly #requests: Resource;
  readonly #followers: Resource;
  readonly #uploads: Resource;
  readonly #bytes: Resource;
  /** Memory that only small requests may reserve. */
  readonly #smallBytes: number;
  readonly #enoughBytes: number;
  readonly #timeoutMs: number;

  constructor(limits: OpenLimits) {
    const { openBytesMax, requestBytesMax } = limits;
    this.#timeoutMs = limits.requestTimeoutMs;
    this.#requests = {
      capacity: new Capacity({
        limit: limits.openRequestsMax,
        organizationLimit: limits.organizationOpenRequestsMax,
        unit: 1,
      }),
      what: 'open requests',
      variable: 'ONHAND_OPEN_REQUESTS_MAX',
      organizationVariable: 'ONHAND_ORGANIZATION_OPEN_REQUESTS_MAX',
      retrySeconds: RETRY_SECONDS,
    };
    this.#followers = {
      capacity: new Capacity({
        limit: limits.followersMax,
        organizationLimit: limits.organizationFollowersMax,
        unit: 1,
      }),
      what: 'clients that wait',
      variable: 'ONHAND_FOLLOWERS_MAX',
      organizationVariable: 'ONHAND_ORGANIZATION_FOLLOWERS_MAX',
      retrySeconds: FOLLOWERS_RETRY_SECONDS,
    };
    this.#uploads = {
      capacity: new Capacity({
        limit: limits.uploadsMax,
        organizationLimit: limits.organizationUploadsMax,
        unit: 1,
      }),
      what: 'uploads in progress',
      variable: 'ONHAND_UPLOADS_MAX',
      organizationVariable: 'ONHAND_ORGANIZATION_UPLOADS_MAX',
      retrySeconds: RETRY_SECONDS,
    };
    // The largest body must fit beside what is reserved for others, or it would be refused for ever.
    const bytesLimit = Math.max(openBytesMax, Math.ceil(requestBytesMax / LARGE_SHARE));
    const organizationBytes = Math.max(limits.organizationOpenBytesMax, requestBytesMax);
    this.#bytes = {
      capacity: new Capacity({
        limit: bytesLimit,
        organizationLimit: organizationBytes,
        unit: SMALL_BYTES_MAX,
      }),
      what: 'memory for bodies and replies',
      variable: 'ONHAND_OPEN_BYTES_MAX',
      organizationVariable: 'ONHAND_ORGANIZATION_OPEN_BYTES_MAX',
      retrySeconds: RETRY_SECONDS,
    };
    this.#smallBytes = Math.floor(bytesLimit * SMALL_SHARE);
    const largeBytes = bytesLimit - this.#smallBytes;
    this.#enoughBytes = Math.floor(Math.min(largeBytes, organizationBytes) * ENOUGH_SHARE);
  }

  /**
   * Opens a request of an organization that `response` answers. Throws `organization_budget_exceeded` or
   * `overloaded`.
   */
  open(
    response: ServerResponse,
    organizationId: number,
    kind: RequestKind = 'request',
  ): OpenRequest {
    const counted = this.#countedAs(kind);
    for (const resource of counted) refuseExhausted(resource, organizationId, 1);
    const { capacity } = this.#bytes;
    const bytes = kind === 'upload' ? UPLOAD_BYTES : 0;
    if (bytes > 0) refuseExhausted(this.#bytes, organizationId, bytes);
    capacity.add(organizationId, bytes);
    for (const resource of counted) resource.capacity.add(organizationId, 1);
    return new OpenRequest(response, bytes, {
      timeoutMs: this.#timeoutMs,
      enoughBytes: this.#enoughBytes,
      reserve: (more, total) => {
        const kept = total <= SMALL_BYTES_MAX ? 0 : this.#smallBytes;
        refuseExhausted(this.#bytes, organizationId, more, kept);
        capacity.add(organizationId, more);
      },
      replace: (oldBytes, newBytes) => capacity.add(organizationId, newBytes - oldBytes),
      close: (left) => {
        capacity.add(organizationId, -left);
        for (const resource of counted) resource.capacity.add(organizationId, -1);
      },
    });
  }

  #countedAs(kind: RequestKind): readonly Resource[] {
    if (kind === 'follower') return [this.#followers];
    return kind === 'upload' ? [this.#uploads, this.#requests] : [this.#requests];
  }

  /** How much of each resource is used now. */
  usage(): Readonly<Record<'open_requests' | 'open_bytes' | 'followers' | 'uploads', Usage>> {
    return {
      open_requests: this.#requests.capacity.usage,
      open_bytes: this.#bytes.capacity.usage,
      followers: this.#followers.capacity.usage,
      uploads: this.#uploads.capacity.usage,
    };
  }

  /** Throws `overloaded` if even the small request of an organization that has no other would be refused. */
  refuseFull(): void {
    for (const [resource, amount] of [
      [this.#requests, 1],
      [this.#bytes, 1],
    ] as const) {
      if (resource.capacity.isFullFor(amount)) throw refusalOf(resource, 'server');
    }
  }
}

function refuseExhausted(
  resource: Resource,
  organizationId: number,
  amount: number,
  kept = 0,
): void {
  const exhausted = resource.capacity.exhaustedBy(organizationId, amount, kept);
  if (exhausted !== undefined) throw refusalOf(resource, exhausted);
}

function refusalOf(resource: Resource, exhausted: Exhausted): OnhandError {
  const { what, variable, organizationVariable, retrySeconds: retryAfterSeconds } = resource;
  return exhausted === 'organization'
    ? new OnhandError(
        'organization_budget_exceeded',
        `Your organization uses all of its ${what} on this server (${organizationVariable}). Wait until its other requests have ended, and send this one again.`,
        { retryAfterSeconds },
      )
    : new OnhandError(
        'overloaded',
        `The server has no more room for ${what} (${variable}). Send this request again later.`,
        { retryAfterSeconds },
      );
}

/** What one request does to the totals. */
interface Budget {
  readonly timeoutMs: number;
  /** A request reserves no more than this, unless its body alone is larger. */
  readonly enoughBytes: number;
  /**
   * Reserves `bytes` more for a request that then has `totalBytes`. Throws `organization_budget_exceeded` or
   * `overloaded`.
   */
  reserve(bytes: number, totalBytes: number): void;
  /** Changes a reservation, even beyond the limit. */
  replace(oldBytes: number, newBytes: number): void;
  /** Ends a request that has `bytes` reserved. */
  close(bytes: number): void;
}

/**
 * A request that is being handled, and the memory it reserves. It ends when its response is written *and*
 * sent or the connection closed, whichever comes last: work for a client that disconnected still takes
 * memory.
 */
export class OpenRequest {
  readonly #response: ServerResponse;
  readonly #budget: Budget;
  #bytes: number;
  #isAnswered = false;
  #isClosed: boolean;

  constructor(response: ServerResponse, bytes: number, budget: Budget) {
    this.#response = response;
    this.#bytes = bytes;
    this.#budget = budget;
    // A connection that is closed already emits no second 'close'.
    this.#isClosed = response.closed;
    if (this.#isClosed) return;
    response.once('close', () => {
      this.#isClosed = true;
      if (this.#isAnswered) this.#close();
    });
  }

  /**
   * Reserves memory for a body of at least `bytes` with `values` JSON values. Throws
   * `organization_budget_exceeded` or `overloaded` and leaves the reservation unchanged.
   */
  reserve(bytes: number, values: number): void {
    this.#growTo(bytes, bytes + values * VALUE_BYTES);
  }

  /** Reserves memory for the results of `count` lines that cannot be parsed. Throws as `reserve` does. */
  reserveFailures(count: number): void {
    this.#growTo(this.#bytes, this.#bytes + count * FAILURE_BYTES);
  }

  /** Reserves `bytes` in total if there is memory for them; returns whether there is. */
  tryGrow(bytes: number): boolean {
    try {
      this.#growTo(bytes, bytes);
      return true;
    } catch (refusal) {
      if (refusal instanceof OnhandError) return false;
      throw refusal;
    }
  }

  /** Reduces the reservation to `bytes`. */
  shrink(bytes: number): void {
    if (bytes >= this.#bytes) return;
    this.#budget.replace(this.#bytes, bytes);
    this.#bytes = bytes;
  }

  #growTo(leastBytes: number, mostBytes: number): void {
    const bytes = Math.max(leastBytes, Math.min(mostBytes, this.#budget.enoughBytes));
    if (bytes <= this.#bytes) return;
    this.#budget.reserve(bytes - this.#bytes, bytes);
    this.#bytes = bytes;
  }

  /**
   * Releases the body; the response stays reserved until it is sent. A response that is made while it is sent
   * (undefined) keeps the memory that the request has reserved.
   */
  answered(responseBytes: number | undefined): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const bytes = responseBytes ?? this.#bytes;
    this.#budget.replace(this.#bytes, bytes);
    this.#bytes = bytes;
    if (this.#isClosed) this.#close();
    else if (bytes > SMALL_BYTES_MAX) this.#response.setTimeout(this.#budget.timeoutMs);
  }

  #close(): void {
    this.#budget.close(this.#bytes);
  }
}
