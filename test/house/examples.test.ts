import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword, hashToken } from '../../src/accounts/credentials.ts';
import { demoCatalogue } from '../../src/cli/serve/demo-catalogue.ts';
import { ServerProcess } from '../durability/server-process.ts';
import { textAt } from '../http/answers.ts';
import { TestServer } from '../http/harness.ts';
import { importSkus } from '../store/fixtures.ts';
import { fencesOf, type Fence } from './markdown.ts';
import { filesMatching, ROOT } from './sources.ts';

const run = promisify(execFile);
const DOCUMENTED_HOST = 'http://127.0.0.1:8080';

function fences(path: string): readonly Fence[] {
  return fencesOf(readFileSync(join(ROOT, path), 'utf8'));
}

/** A folder in which the commands of a page run exactly as documented. */
class Shell {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Shell> {
    const folder = await mkdtemp(join(tmpdir(), 'onhand-examples-'));
    const npx = join(folder, 'bin', 'npx');
    await mkdir(join(folder, 'bin'));
    const command = `'${process.execPath}' '${join(ROOT, 'bin', 'onhand.js')}'`;
    await writeFile(npx, `#!/bin/sh\nshift\nexec ${command} "$@"\n`);
    await chmod(npx, 0o755);
    return new Shell(folder);
  }

  /** Returns what a script printed; rejects if one of its commands fails. */
  async run(script: string, environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const { PATH = '' } = process.env;
    const { stdout } = await run('sh', ['-euc', script], {
      cwd: this.folder,
      env: {
        PATH: join(this.folder, 'bin') + delimiter + PATH,
        HOME: this.folder,
        no_proxy: '127.0.0.1',
        ...environment,
      },
    });
    return stdout;
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TOKEN = /^[0-9a-f]{40}$/;
const CURSOR = /^[\w-]{22}$/;
/** A cursor of the change feed, whose first byte is the version of the format. */
const CHANGES_CURSOR = /^AQ[\w-]{10,}$/;
const CODE = /^[0-9a-f]{16}$/;
const TIMES = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/g;
const LEFT_OUT = '…';
const REPLY_LANGUAGES = ['json', 'ndjson'];

/**
 * Compares replies with the documented ones. Uuids, tokens, cursors and timestamps differ in each run: they must
 * have the documented form, and where the page repeats a value, the replies must repeat theirs.
 */
class Replies {
  readonly #answeredFor = new Map<string, string>();

  /** Replaces documented values by those of earlier replies. */
  adapt(script: string): string {
    let adapted = script;
    for (const [documented, answered] of this.#answeredFor) {
      adapted = adapted.replaceAll(documented, answered);
    }
    return adapted;
  }

  expectAlike(documented: string, answered: string): void {
    const reply = parsedReply(answered);
    expect(reply).toEqual(this.#expected(parsedReply(documented), reply));
  }

  #expected(documented: unknown, answered: unknown): unknown {
    if (documented === LEFT_OUT) return answered;
    if (typeof documented === 'string') return this.#expectedText(documented, answered);
    if (typeof documented !== 'object' || documented === null) return documented;
    if (Array.isArray(documented)) {
      if (documented.length === 1 && documented[0] === LEFT_OUT && Array.isArray(answered)) {
        return answered;
      }
      return documented.map((value, i) => this.#expected(value, memberOf(answered, String(i))));
    }
    return Object.fromEntries(
      Object.entries(documented).map(([name, value]) => [
        name,
        this.#expected(value, memberOf(answered, name)),
      ]),
    );
  }

  #expectedText(documented: string, answered: unknown): unknown {
    if (typeof answered !== 'string' || answered === documented) return documented;
    if (documented.replaceAll(TIMES, '') === answered.replaceAll(TIMES, '')) return answered;
    const isOfAKind = [UUID, TOKEN, CURSOR, CHANGES_CURSOR, CODE].some(
      (kind) => kind.test(documented) && kind.test(answered),
    );
    if (!isOfAKind) return documented;
    const before = this.#answeredFor.get(documented);
    this.#answeredFor.set(documented, before ?? answered);
    return before ?? answered;
  }
}

/** Parses JSON; the rows of a stream become one array. */
function parsedReply(text: string): unknown {
  const rows = text.trimEnd().split('\n');
  const isStream = rows.length > 1 && rows.every((row) => row.startsWith('{') && row.endsWith('}'));
  return JSON.parse(isStream ? `[${rows.join(',')}]` : text);
}

function memberOf(value: unknown, name: string): unknown {
  const members = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return members.find(([known]) => known === name)?.[1];
}

let shell: Shell;
beforeAll(async () => {
  shell = await Shell.open();
});
afterAll(() => shell.close());

const token = /^TOKEN=([0-9a-f]{40})$/m.exec(fences('docs/api.md')[0]?.text ?? '')?.[1] ?? '';

test('docs/api.md uses the token of the demo', () => {
  const [demo] = filesMatching(/^src\/cli\/serve\/demo\.ts$/);
  expect(demo?.text).toContain(`'${token}'`);
});

describe.for([
  'docs/api.md',
  'docs/safe-writes.md',
  'docs/changes.md',
  'docs/streams.md',
  'docs/files.md',
])('%s', (path) => {
  const blocks = fences(path);
  const examples = blocks.flatMap(({ language, text }, i) => {
    const reply = blocks[i + 1];
    return language === 'sh' && REPLY_LANGUAGES.includes(reply?.language ?? '')
      ? [
          {
            request: text.split('\n')[0]?.replace(DOCUMENTED_HOST, ''),
            script: text,
            reply: reply?.text ?? '',
          },
        ]
      : [];
  });
  const replies = new Replies();

  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
    const { accounts } = server.store;
    const { id } = await server.createOrganization('supplier', 'Demo Supplier');
    await importSkus(server.store, id, demoCatalogue());
    const permissions = ['view_items', 'edit_items', 'manage_webhooks'] as const;
    const { id: userId } = await accounts.findServiceUser(id);
    const tokenHash = hashToken(token);
    await accounts.createToken({ userId, tokenHash, permissions, expiresAtMs: null });
    const passwordHash = await hashPassword('correct horse');
    await accounts.createUser({ organizationId: id, username: 'jo', passwordHash, permissions });
  });
  afterAll(() => server.stop());

  test('shows a reply for each request', () => {
    expect(examples).toHaveLength(blocks.filter(({ text }) => text.includes('curl ')).length);
    expect(examples).toHaveLength(
      blocks.filter(({ language }) => REPLY_LANGUAGES.includes(language)).length,
    );
  });

  test.for(examples)('%# $request', async ({ script, reply }) => {
    const adapted = replies.adapt(script).replaceAll(DOCUMENTED_HOST, server.url);
    replies.expectAlike(reply, await shell.run(adapted, { TOKEN: token }));
  });

  test.for(blocks.filter(({ text }) => text.includes(',status_code,')))(
    'the results file is as documented',
    async ({ text }) => {
      const list = await server.ask('GET', '/timp/organizations/files/', { token });
      const uuid = textAt(list.json, 'files', '0', 'uuid');
      const results = `/timp/organizations/files/${uuid}/results.csv`;
      expect((await server.ask('GET', results, { token })).text).toBe(text);
    },
  );
});

test('README: leads from an empty folder to the first results', async () => {
  const [catalogue, commands, request, reply] = fences('README.md').filter(
    ({ text }) => !text.startsWith('npm '),
  );
  expect([catalogue, commands, request, reply].map((block) => block?.language)).toEqual([
    'csv',
    'sh',
    'sh',
    'json',
  ]);
  await writeFile(join(shell.folder, 'catalogue.csv'), catalogue?.text ?? '');
  const script = commands?.text ?? '';
  expect(script).toMatch(/\nnpx onhand serve\n$/);
  const printed = await shell.run(script.replace(/npx onhand serve\n$/, ''));
  expect(printed).toMatch(/ SKUs created +1\n/);
  const database = `sqlite:${join(shell.folder, 'onhand.db')}`;
  const server = await ServerProcess.start({ url: database, remove: () => Promise.resolve() });
  try {
    const sent = (request?.text ?? '').replaceAll(DOCUMENTED_HOST, server.url);
    new Replies().expectAlike(reply?.text ?? '', await shell.run(sent));
  } finally {
    await server.stop();
  }
});

/** Removes the duration from a summary. */
function timeless(summary: string): string {
  return summary.replace(/^ +time .*\n/m, '');
}

test('docs/formats.md: the import of the example catalogue prints the documented summary and report', async () => {
  const [catalogue, command, summary, report] = fences('docs/formats.md');
  await writeFile(join(shell.folder, 'catalogue.csv'), catalogue?.text ?? '');
  const ofItsOwn = { ONHAND_DATABASE: 'sqlite:./formats.db' };
  await shell.run('npx onhand organization create --type supplier Acme', ofItsOwn);
  const printed = await shell.run(command?.text ?? '', ofItsOwn);
  expect(timeless(printed)).toBe(timeless(summary?.text ?? ''));
  expect(await readFile(join(shell.folder, 'complaints.csv'), 'utf8')).toBe(report?.text);
});
