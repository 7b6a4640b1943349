import { hashPassword, hashToken, newToken } from '../../../src/accounts/credentials.ts';
import {
  PERMISSIONS_OF_TYPE,
  type Organization,
  type Permission,
} from '../../../src/domain/parties.ts';
import type { Answer, Asking, TestServer } from '../harness.ts';

export const SESSIONS = '/timp/organizations/sessions/';
export const CURRENT = `${SESSIONS}current/`;
export const PASSWORD = 'correct horse battery';
const HOUR_MS = 3_600_000;
const passwordHash = hashPassword(PASSWORD);

/** Creates a user with `PASSWORD`. */
export async function createUser(
  server: TestServer,
  organization: Organization,
  username: string,
  permissions: readonly Permission[] = PERMISSIONS_OF_TYPE[organization.type],
): Promise<void> {
  await server.store.accounts.createUser({
    organizationId: organization.id,
    username,
    passwordHash: await passwordHash,
    permissions,
  });
}

/** A browser that shows the dashboard: it keeps the cookie, and sends what its pages send. */
export class Browser {
  readonly #server: TestServer;
  cookie = '';

  constructor(server: TestServer) {
    this.#server = server;
  }

  /** Without the password, whose check takes long on purpose. */
  static async loggedIn(server: TestServer, username: string): Promise<Browser> {
    const { accounts } = server.store;
    const user = await accounts.findUser(username);
    if (user === undefined) throw new Error(`there is no user ${username}`);
    const token = newToken();
    await accounts.createToken({
      userId: user.id,
      tokenHash: hashToken(token),
      permissions: user.permissions,
      expiresAtMs: Date.now() + HOUR_MS,
      kind: 'session',
      client: { userAgent: 'Test browser', address: '127.0.0.1' },
    });
    const browser = new Browser(server);
    browser.cookie = `onhand=${token}`;
    return browser;
  }

  logIn(username: string, password = PASSWORD): Promise<Answer> {
    return this.ask('POST', SESSIONS, { body: { username, password } });
  }

  async ask(method: string, path: string, { headers, ...asking }: Asking = {}): Promise<Answer> {
    const answer = await this.#server.ask(method, path, {
      ...asking,
      headers: {
        'onhand-dashboard': '1',
        origin: this.#server.url,
        'sec-fetch-site': 'same-origin',
        ...(this.cookie !== '' && { cookie: this.cookie }),
        ...headers,
      },
    });
    const [set] = answer.headers.getSetCookie();
    if (set !== undefined) this.cookie = set.split(';', 1)[0] ?? '';
    return answer;
  }
}
