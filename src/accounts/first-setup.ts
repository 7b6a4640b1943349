import { timingSafeEqual } from 'node:crypto';
import { OnhandError } from '../domain/errors.ts';
import { PERMISSIONS_OF_TYPE } from '../domain/parties.ts';
import type { AccountStore } from '../store/store.ts';
import { hashPassword, hashToken, newToken } from './credentials.ts';
import { checkNewPassword } from './new-password.ts';

/** The operator and the user that a set-up creates. */
export interface OperatorDraft {
  readonly organization: string;
  readonly username: string;
  readonly password: string;
}

/**
 * Lets the person who has the secret create the first user of a server, once and within a time. Only the hash of the secret is
 * kept, in memory: a restart gives a new one.
 */
export class FirstSetup {
  readonly #accounts: AccountStore;
  #secretHash: Uint8Array | undefined;
  #expiresAtMs = 0;

  constructor(accounts: AccountStore) {
    this.#accounts = accounts;
  }

  /** Whether the server has no user yet. */
  async isNeeded(): Promise<boolean> {
    return !(await this.#accounts.hasUsers());
  }

  /** Makes a secret that is valid for that time; null if there is a user already. */
  async begin(validMs: number): Promise<string | null> {
    if (!(await this.isNeeded())) return null;
    const secret = newToken();
    this.#secretHash = hashToken(secret);
    this.#expiresAtMs = Date.now() + validMs;
    return secret;
  }

  /**
   * Creates the operator and its user. Rejects with `setup_refused` if the secret is wrong, expired or used or there is a
   * user already, with `member_invalid` for a weak password, and with `already_exists`; the secret stays valid then.
   */
  async complete(secret: string, draft: OperatorDraft): Promise<void> {
    const expected = this.#secretHash;
    const isRight =
      expected !== undefined &&
      Date.now() < this.#expiresAtMs &&
      timingSafeEqual(hashToken(secret), expected);
    if (!isRight) throw refused();
    // Taken before anything is waited for, so that it works once.
    this.#secretHash = undefined;
    try {
      if (!(await this.isNeeded())) throw refused();
      checkNewPassword(draft.password, draft.username);
      await createOperator(this.#accounts, draft);
    } catch (error) {
      this.#secretHash = expected;
      throw error;
    }
  }
}

/**
 * Creates a user of an operator, and the operator if there is none of that name. Rejects with `already_exists` if the
 * username is taken, or the name belongs to a supplier or a retailer.
 */
export async function createOperator(
  accounts: AccountStore,
  { organization: name, username, password }: OperatorDraft,
): Promise<{ readonly uuid: string }> {
  const passwordHash = await hashPassword(password);
  const existing = await accounts.findOrganization(name);
  if (existing !== undefined && existing.type !== 'operator') {
    throw new OnhandError(
      'already_exists',
      `"${name}" is a ${existing.type}. Choose another name for the operator.`,
    );
  }
  const operator = existing ?? (await accounts.createOrganization({ type: 'operator', name }));
  return accounts.createUser({
    organizationId: operator.id,
    username,
    passwordHash,
    permissions: PERMISSIONS_OF_TYPE.operator,
  });
}

function refused(): OnhandError {
  return new OnhandError(
    'setup_refused',
    'The set-up link is wrong, expired or used. Restart the server for a new one, or use "onhand user create --operator".',
  );
}
