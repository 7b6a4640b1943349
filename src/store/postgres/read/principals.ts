import {
  PERMISSIONS,
  type OrganizationType,
  type Permission,
  type Principal,
} from '../../../domain/parties.ts';
import { read, type ConnectionPool } from '../connection/pool.ts';

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

interface Remembered {
  readonly known: Promise<Known | undefined>;
  /** When it was asked for, by a clock that is never set. */
  readonly askedAtMs: number;
}

/** Tokens that are remembered at most; beyond it all are forgotten and looked up again. */
const REMEMBERED_MAX = 10_000;

/** How long a token that was revoked on another node may still be taken here. */
const REMEMBERED_MS = 2000;

/**
 * Whose a token is, asked at every request. Answers are remembered for two seconds: a node that is busy
 * asks the database no more often than that, and a revocation holds on every node soon after.
 */
export class Principals {
  readonly #pool: ConnectionPool;
  readonly #remembered = new Map<string, Remembered>();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /** Undefined where the token is unknown, revoked, or expired by `nowMs`. */
  async find(tokenHash: Uint8Array, nowMs: number): Promise<Principal | undefined> {
    const known = await this.#lookUpOnce(tokenHash);
    if (known === undefined) return undefined;
    return known.expiresAtMs === null || known.expiresAtMs > nowMs ? known.principal : undefined;
  }

  /** To be called when a right was taken away: it holds here from the next request on. */
  forget(): void {
    this.#remembered.clear();
  }

  /** Requests that come together ask together. */
  #lookUpOnce(tokenHash: Uint8Array): Promise<Known | undefined> {
    const key = Buffer.from(tokenHash).toString('latin1');
    const askedAtMs = performance.now();
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined && askedAtMs - remembered.askedAtMs < REMEMBERED_MS) {
      return remembered.known;
    }
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    const asked = { known: this.#lookUp(tokenHash), askedAtMs };
    this.#remembered.set(key, asked);
    // Neither a failure nor a token that is not there is worth a place.
    const drop = (): void => {
      if (this.#remembered.get(key) === asked) this.#remembered.delete(key);
    };
    asked.known.then((known) => known ?? drop(), drop);
    return asked.known;
  }

  async #lookUp(tokenHash: Uint8Array): Promise<Known | undefined> {
    const [row] = await read<PrincipalRow>(
      this.#pool,
      `SELECT tokens.id AS token_id, users.id AS user_id, organizations.id AS organization_id,
         organizations.type, tokens.permissions, expires_at_ms
       FROM tokens JOIN users ON users.id = tokens.user_id
         JOIN organizations ON organizations.id = users.organization_id
       WHERE token_hash = $1 AND revoked_at_ms IS NULL`,
      [tokenHash],
    );
    if (row === undefined) return undefined;
    return {
      principal: {
        tokenId: row.token_id,
        userId: row.user_id,
        organizationId: row.organization_id,
        organizationType: row.type,
        permissions: readPermissions(row.permissions),
      },
      expiresAtMs: row.expires_at_ms,
    };
  }
}

export function readPermissions(text: string): readonly Permission[] {
  const names = text.split(' ');
  return PERMISSIONS.filter((permission) => names.includes(permission));
}
