import type { Principal } from '../../../domain/parties.ts';
import {
  cachedPrincipalOf,
  PRINCIPALS_CACHED_MAX,
  SELECT_PRINCIPAL_BY_TOKEN_HASH,
  unexpiredPrincipal,
  type CachedPrincipal,
  type PrincipalCache,
  type PrincipalRow,
} from '../../sql/principals.ts';
import { read, type ConnectionPool } from '../connection/pool.ts';

interface CacheEntry {
  readonly result: Promise<CachedPrincipal | undefined>;
  /** By the monotonic clock. */
  readonly readAtMs: number;
}

/** How long a token that was revoked on another node may still be accepted here. */
const CACHED_MS = 1000;

/**
 * Caches principals for one second: a busy node reads each token no more often, and a revocation takes
 * effect on every node within that time.
 */
export class PostgresPrincipalCache implements PrincipalCache {
  readonly #pool: ConnectionPool;
  readonly #entries = new Map<string, CacheEntry>();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async find(tokenHash: Uint8Array, nowMs: number): Promise<Principal | undefined> {
    return unexpiredPrincipal(await this.#readCached(tokenHash), nowMs);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Concurrent requests with one token share one read. */
  #readCached(tokenHash: Uint8Array): Promise<CachedPrincipal | undefined> {
    const key = Buffer.from(tokenHash).toString('latin1');
    const readAtMs = performance.now();
    const cached = this.#entries.get(key);
    if (cached !== undefined && readAtMs - cached.readAtMs < CACHED_MS) return cached.result;
    if (this.#entries.size >= PRINCIPALS_CACHED_MAX) this.clear();
    const entry = { result: this.#read(tokenHash), readAtMs };
    this.#entries.set(key, entry);
    // Neither failures nor unknown tokens are cached.
    const remove = (): void => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    entry.result.then((principal) => principal ?? remove(), remove);
    return entry.result;
  }

  async #read(tokenHash: Uint8Array): Promise<CachedPrincipal | undefined> {
    const [row] = await read<PrincipalRow>(this.#pool, `${SELECT_PRINCIPAL_BY_TOKEN_HASH} $1`, [
      tokenHash,
    ]);
    return row && cachedPrincipalOf(row);
  }
}
