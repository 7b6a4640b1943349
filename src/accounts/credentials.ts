import { hash, randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { OnhandError } from '../domain/errors.ts';
import type { SessionClient, User } from '../domain/parties.ts';
import type { AccountStore } from '../store/store.ts';

/** The longest password, in bytes of UTF-8. */
export const PASSWORD_BYTES_MAX = 1024;

/** The cost of a hash: N=2^14, r=8, p=5 (OWASP Password Storage Cheat Sheet), about 0.2 s and 16 MiB. */
const COST: Cost = { log2N: 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** The highest cost of a stored hash, which is data and must not decide how much memory is used. */
const COST_MAX: Cost = { log2N: 18, r: 16, p: 16 };

const TOKEN_BYTES = 20;

interface Cost {
  readonly log2N: number;
  readonly r: number;
  readonly p: number;
}

/**
 * Hashes a password for storage, as `$scrypt$ln=14,r=8,p=5$salt$key`. The hash contains its cost, so that the cost can
 * be raised later. Rejects with `parameter_invalid` if the password is empty or too long.
 */
export async function hashPassword(password: string): Promise<string> {
  if (password === '') throw new OnhandError('parameter_invalid', 'The password is empty.');
  if (bytesOf(password).length > PASSWORD_BYTES_MAX) {
    throw new OnhandError(
      'parameter_invalid',
      `The password is longer than ${PASSWORD_BYTES_MAX} bytes.`,
    );
  }
  const salt = randomBytes(SALT_BYTES);
  const key = await deriveInPool(bytesOf(password), salt, KEY_BYTES, optionsOf(COST));
  return `$scrypt$ln=${COST.log2N},r=${COST.r},p=${COST.p}$${encode(salt)}$${encode(key)}`;
}

/**
 * Whether a password matches a stored hash. Takes the same time if it is wrong, and if `stored` is undefined because
 * there is no such user.
 */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
  deriveKey: Derive = deriveInPool,
): Promise<boolean> {
  const parsed = stored === undefined ? PASSWORD_OF_NO_USER : parse(stored);
  const isOverlong = bytesOf(password).length > PASSWORD_BYTES_MAX;
  const { salt, cost, key: expected } = parsed;
  const bytes = bytesOf(isOverlong ? '' : password);
  const key = await deriveKey(bytes, salt, expected.length, optionsOf(cost));
  return timingSafeEqual(key, expected) && !isOverlong && stored !== undefined;
}

/** Compared with when there is no user, so that the check takes as long as for a user. */
const PASSWORD_OF_NO_USER: StoredPassword = {
  cost: COST,
  salt: randomBytes(SALT_BYTES),
  key: randomBytes(KEY_BYTES),
};

interface StoredPassword {
  readonly cost: Cost;
  readonly salt: Buffer;
  readonly key: Buffer;
}

const STORED_HASH =
  /^\$scrypt\$ln=([0-9]+),r=([0-9]+),p=([0-9]+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function parse(stored: string): StoredPassword {
  const [, log2N, r, p, salt, key] = STORED_HASH.exec(stored) ?? [];
  if (salt === undefined || key === undefined)
    throw new Error('a stored password hash is malformed');
  const cost: Cost = { log2N: Number(log2N), r: Number(r), p: Number(p) };
  if (cost.log2N > COST_MAX.log2N || cost.r > COST_MAX.r || cost.p > COST_MAX.p) {
    throw new Error('a stored password hash exceeds the allowed cost');
  }
  return { cost, salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}

/** Runs scrypt. */
export type Derive = (
  password: Uint8Array,
  salt: Uint8Array,
  keyBytes: number,
  options: ScryptOptions,
) => Promise<Buffer>;

function optionsOf(cost: Cost): ScryptOptions {
  const N = 2 ** cost.log2N;
  return { N, r: cost.r, p: cost.p, maxmem: 256 * N * cost.r };
}

/** In libuv's threads: for commands. Servers use `PasswordChecker`. */
function deriveInPool(...[password, salt, keyBytes, options]: Parameters<Derive>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

/** Normalized, because a keyboard may produce either of two Unicode forms (RFC 8265 §4.2.2). */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8');
}

/** Base64 without padding, as the PHC string format writes it. */
function encode(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

/** A new token: 160 random bits as 40 lower-case hex digits. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('hex');
}

/**
 * The SHA-256 of a token, which is what is stored. A token is random enough to need neither salt nor a slow hash. The
 * case of its hex digits is ignored.
 */
export function hashToken(token: string): Uint8Array {
  return hash('sha256', token.toLowerCase(), 'buffer');
}

/** The same error for a wrong username and a wrong password. */
export function loginFailed(): OnhandError {
  return new OnhandError('login_failed', 'There is no user with this username and password.');
}

/** The lifetime of a login's token, in milliseconds. */
export const SESSION_MS = 2 * 60 * 60 * 1000;

export interface Session {
  readonly token: string;
  /** The uuid of its token. */
  readonly uuid: string;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly expiresAtMs: number;
  readonly user: User;
}

/** What a login creates. */
export interface LoginKind {
  readonly kind: 'login' | 'session';
  /** How long its token is valid; that of a session is put off when it is used. */
  readonly lifetimeMs: number;
  readonly client?: SessionClient;
}

const TOKEN_OF_LOGIN: LoginKind = { kind: 'login', lifetimeMs: SESSION_MS };

/**
 * Creates a token for a user. Rejects with `login_failed`, with the same message and after the same time, if the
 * username or the password is wrong.
 */
export async function login(
  accounts: Pick<AccountStore, 'findUser' | 'createToken'>,
  credentials: { readonly username: string; readonly password: string },
  nowMs: number,
  verify: typeof verifyPassword = verifyPassword,
  { kind, lifetimeMs, client }: LoginKind = TOKEN_OF_LOGIN,
): Promise<Session> {
  const user = await accounts.findUser(credentials.username);
  const isRight = await verify(credentials.password, user?.passwordHash);
  if (user === undefined || !isRight) throw loginFailed();
  const token = newToken();
  const expiresAtMs = nowMs + lifetimeMs;
  const { uuid } = await accounts.createToken({
    userId: user.id,
    tokenHash: hashToken(token),
    permissions: user.permissions,
    expiresAtMs,
    kind,
    ...(client !== undefined && { client }),
  });
  return { token, uuid, expiresAtMs, user };
}
