import type { Database, Statement } from 'better-sqlite3';
import {
  PERMISSIONS,
  type OrganizationType,
  type Permission,
  type Principal,
} from '../../../domain/parties.ts';

interface PrincipalRow {
  readonly token_id: number;
  readonly user_id: number;
  readonly organization_id: number;
  readonly type: OrganizationType;
  readonly permissions: string;
  readonly expires_at_ms: number | null;
}

interface Known {
  readonly principal: Principal;
  readonly expiresAtMs: number | null;
}

/** Tokens that are remembered at most; beyond it all are forgotten and looked up again. */
const KNOWN_MAX = 10_000;

/**
 * Whose a token is, asked at every request: on the calling thread, so that it never waits behind other
 * reads.
 *
 * Tokens are remembered as long as `account_version` stays the same. Triggers raise it with every change
 * that could take a right away, whichever process makes it; it is read anew for each round of the event
 * loop, so that a revocation holds from the next request on. (A look-up by itself reads six pages that the
 * writer's last commit has just dropped from the cache, one row reads two.)
 */
export class Principals {
  readonly #principalOfToken: Statement<[Uint8Array], PrincipalRow>;
  readonly #version: Statement<[], [number]>;
  readonly #known = new Map<string, Known>();
  #knownVersion: number | undefined;
  #isVersionFresh = false;

  constructor(db: Database) {
    this.#principalOfToken = db.prepare<[Uint8Array], PrincipalRow>(
      `SELECT tokens.id AS token_id, users.id AS user_id, organizations.id AS organization_id,
         organizations.type, tokens.permissions, expires_at_ms
       FROM tokens JOIN users ON users.id = tokens.user_id
         JOIN organizations ON organizations.id = users.organization_id
       WHERE token_hash = ? AND revoked_at_ms IS NULL`,
    );
    this.#version = db.prepare<[], [number]>('SELECT number FROM account_version').raw();
  }

  /** Undefined where the token is unknown, revoked, or expired by `nowMs`. */
  find(tokenHash: Uint8Array, nowMs: number): Principal | undefined {
    this.#forgetWhereChanged();
    const key = Buffer.from(tokenHash).toString('latin1');
    const known = this.#known.get(key) ?? this.#lookUp(key, tokenHash);
    if (known === undefined) return undefined;
    return known.expiresAtMs === null || known.expiresAtMs > nowMs ? known.principal : undefined;
  }

  #forgetWhereChanged(): void {
    if (this.#isVersionFresh) return;
    const version = this.#version.get()?.[0];
    if (version !== this.#knownVersion) this.#known.clear();
    this.#knownVersion = version;
    // Requests of one round of the event loop had all arrived when its first one asked.
    this.#isVersionFresh = true;
    setImmediate(() => {
      this.#isVersionFresh = false;
    });
  }

  #lookUp(key: string, tokenHash: Uint8Array): Known | undefined {
    const row = this.#principalOfToken.get(tokenHash);
    if (row === undefined) return undefined;
    const known = {
      principal: {
        tokenId: row.token_id,
        userId: row.user_id,
        organizationId: row.organization_id,
        organizationType: row.type,
        permissions: readPermissions(row.permissions),
      },
      expiresAtMs: row.expires_at_ms,
    };
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(key, known);
    return known;
  }
}

export function readPermissions(text: string): readonly Permission[] {
  const names = text.split(' ');
  return PERMISSIONS.filter((permission) => names.includes(permission));
}
