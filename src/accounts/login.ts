import { OnhandError } from '../domain/errors.ts';
import type { User } from '../domain/parties.ts';
import type { AccountStore } from '../store/store.ts';
import { hashToken, newToken, verifyPassword } from './credentials.ts';

/** The lifetime of a login's token, in milliseconds. */
export const SESSION_MS = 2 * 60 * 60 * 1000;

export interface Session {
  readonly token: string;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly expiresAtMs: number;
  readonly user: User;
}

/**
 * Creates a token for a user. Rejects with `login_failed`, with the same message and after the same time, if the
 * username or the password is wrong.
 */
export async function login(
  accounts: Pick<AccountStore, 'findUser' | 'createToken'>,
  credentials: { readonly username: string; readonly password: string },
  nowMs: number,
): Promise<Session> {
  const user = await accounts.findUser(credentials.username);
  const isRight = await verifyPassword(credentials.password, user?.passwordHash);
  if (user === undefined || !isRight) {
    throw new OnhandError('login_failed', 'There is no user with this username and password.');
  }
  const token = newToken();
  const expiresAtMs = nowMs + SESSION_MS;
  await accounts.createToken({
    userId: user.id,
    tokenHash: hashToken(token),
    permissions: user.permissions,
    expiresAtMs,
  });
  return { token, expiresAtMs, user };
}
