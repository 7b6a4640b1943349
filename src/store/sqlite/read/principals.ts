import type { Database, Statement } from 'better-sqlite3';
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
import { unavailable } from '../connection.ts';

/**
 * Looks principals up on the calling thread, so that a request never waits behind other reads.
 *
 * The cache is valid while `account_version` stays the same. Triggers increment it with every change that
 * can revoke a permission, whichever process makes the change. It is read again in each turn of the event
 * loop, so that a revocation takes effect from the next request. (Looking a token up without the cache
 * reads six pages that the writer's last commit has evicted; reading the version reads two.)
 */
export class SqlitePrincipalCache implements PrincipalCache {
  readonly #selectPrincipal: Statement<[Uint8Array], PrincipalRow>;
  readonly #selectVersion: Statement<[], [number]>;
  readonly #cached = new Map<string, CachedPrincipal>();
  #cachedVersion: number | undefined;
  #isVersionFresh = false;

  constructor(db: Database) {
    this.#selectPrincipal = db.prepare(`${SELECT_PRINCIPAL_BY_TOKEN_HASH} ?`);
    this.#selectVersion = db.prepare<[], [number]>('SELECT number FROM account_version').raw();
  }

  find(tokenHash: Uint8Array, nowMs: number): Promise<Principal | undefined> {
    try {
      this.#clearIfChanged();
      const key = Buffer.from(tokenHash).toString('latin1');
      const cached = this.#cached.get(key) ?? this.#lookUp(key, tokenHash);
      return Promise.resolve(unexpiredPrincipal(cached, nowMs));
    } catch (error) {
      return Promise.reject(unavailable(error) ?? error);
    }
  }

  clear(): void {
    this.#cached.clear();
  }

  #clearIfChanged(): void {
    if (this.#isVersionFresh) return;
    const version = this.#selectVersion.get()?.[0];
    if (version !== this.#cachedVersion) this.clear();
    this.#cachedVersion = version;
    // Every request of this turn of the event loop had arrived before the version was read.
    this.#isVersionFresh = true;
    setImmediate(() => {
      this.#isVersionFresh = false;
    });
  }

  #lookUp(key: string, tokenHash: Uint8Array): CachedPrincipal | undefined {
    const row = this.#selectPrincipal.get(tokenHash);
    if (row === undefined) return undefined;
    const cached = cachedPrincipalOf(row);
    if (this.#cached.size >= PRINCIPALS_CACHED_MAX) this.clear();
    this.#cached.set(key, cached);
    return cached;
  }
}
