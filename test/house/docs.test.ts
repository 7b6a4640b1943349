import { PERMISSIONS, type Permission } from '../../src/domain/parties.ts';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import type { Command } from 'commander';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_ROWS, SUSTAINED_ROWS } from '../../bench/registry.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { SETTINGS } from '../../src/config.ts';
import { knownVariables } from '../../src/settings/sources.ts';
import { ERROR_CODES, OnhandError } from '../../src/domain/errors.ts';
import { handleError } from '../../src/http/problems.ts';
import { ACTING_PARAMETERS } from '../../src/http/request/parameters.ts';
import { NOT_KEPT } from '../../src/wire/inventory/sku-creation.ts';
import { at, textAt } from '../http/answers.ts';
import { TestServer } from '../http/harness.ts';
import { ARROWS } from './arrows.ts';
import { codesIn, linksOf, sectionOf, sectionsOf, tableRowsOf } from './markdown.ts';
import { filesMatching, ROOT } from './sources.ts';

const pages = new Map(
  filesMatching(/^(README|ARCHITECTURE|CONTRIBUTING)\.md$|^docs\/.*\.md$/).map(({ path, text }) => [
    path,
    text,
  ]),
);

function page(path: string): string {
  const text = pages.get(path);
  if (text === undefined) throw new Error(`there is no ${path}`);
  return text;
}

function sorted(values: Iterable<string>): readonly string[] {
  return [...new Set(values)].toSorted();
}

describe('errors', () => {
  const sections = sectionsOf(page('docs/errors.md')).filter(({ level }) => level > 1);

  test('the page of errors has one section per error code, and no other', () => {
    expect(sorted(sections.map(({ heading }) => heading))).toEqual(sorted(ERROR_CODES));
  });

  test.for(ERROR_CODES)(
    'the section of %s has the status and title that the server sends',
    async (code) => {
      const app = fastify();
      app.setErrorHandler(handleError);
      app.get('/', () => {
        throw new OnhandError(code, 'Nothing.');
      });
      const answer: unknown = (await app.inject('/')).json();
      const entry = sections.find(({ heading }) => heading === code)?.text.trim();
      expect(entry).toMatch(/^\*\*\d{3} · [^*]+\.\*\* /);
      expect(entry).toContain(`**${String(at(answer, 'status'))} · ${textAt(answer, 'title')}.** `);
      const anchor = sections.find(({ heading }) => heading === code)?.anchor;
      expect(textAt(answer, 'type')).toBe(`/docs/errors#${anchor}`);
    },
  );
});

describe('settings', () => {
  const rows = ['Settings', 'Limits of files'].flatMap((heading) =>
    tableRowsOf(sectionOf(page('docs/operations.md'), heading)),
  );
  const documented = Object.fromEntries(
    rows.map(([variable = '', value = '']) => [
      variable.replaceAll('`', ''),
      /^[0-9,]+(?= |$)/.exec(value)?.[0].replaceAll(',', '') ?? value,
    ]),
  );

  test('every setting is documented with its default, and no other is', () => {
    expect(rows, 'no setting is documented twice').toHaveLength(Object.keys(documented).length);
    expect(documented).toEqual(
      Object.fromEntries(SETTINGS.map(({ variable, fallback }) => [variable, fallback ?? 'none'])),
    );
  });

  test('no page names a setting that does not exist', () => {
    const known = knownVariables();
    const named = [...pages.values()].flatMap((text) => text.match(/\bONHAND_\w+/g) ?? []);
    expect(sorted(named).filter((variable) => !known.includes(variable))).toEqual([]);
  });
});

const program = await buildProgram();

describe('commands', () => {
  interface Leaf {
    readonly path: string;
    readonly command: Command;
  }
  const leavesOf = (command: Command, path: string): readonly Leaf[] =>
    command.commands.length === 0
      ? [{ path, command }]
      : command.commands.flatMap((inner) => leavesOf(inner, `${path} ${inner.name()}`));
  const leaves = leavesOf(program, 'onhand');
  const operations = page('docs/operations.md');

  test('every command is documented, and no other is', () => {
    const headings = sectionsOf(operations)
      .map(({ heading }) => heading)
      .filter((heading) => heading.startsWith('onhand '));
    expect(headings.toSorted()).toEqual(leaves.map(({ path }) => path).toSorted());
  });

  test.for(leaves)('$path is documented with its options', ({ path, command }) => {
    const own = command.options.filter(({ long }) => long !== '--database');
    const rows = tableRowsOf(sectionOf(operations, path));
    expect(rows.map(([flags]) => flags)).toEqual([
      ...command.registeredArguments.map((argument) => `\`<${argument.name()}>\``),
      ...own.map(({ flags }) => `\`${flags}\``),
    ]);
    const required = rows.filter(([, text = '']) => /\brequired\b/.test(text));
    expect(required.map(([flags]) => flags)).toEqual(
      own.filter(({ mandatory }) => mandatory).map(({ flags }) => `\`${flags}\``),
    );
  });

  test('every command takes --database, except demo, the clients of a server, and copy', () => {
    const without = leaves.filter(
      ({ command }) => !command.options.some(({ long }) => long === '--database'),
    );
    expect(without.map(({ path }) => path)).toEqual([
      'onhand demo',
      'onhand push',
      'onhand batches',
      'onhand revert',
      'onhand changes',
      'onhand notification list',
      'onhand notification add',
      'onhand notification change',
      'onhand notification confirm',
      'onhand notification send-confirmation',
      'onhand notification remove',
      'onhand config check',
      'onhand config show',
      'onhand copy',
      'onhand bench',
    ]);
  });

  test('no page names an option that does not exist', () => {
    const known = [program, ...leaves.map(({ command }) => command)].flatMap(({ options }) =>
      options.map(({ long }) => long),
    );
    const named = [...pages]
      .filter(([path]) => path !== 'docs/performance.md')
      .flatMap(([, text]) => text.split('\n'))
      // Options of npm, Node.js and podman are not ours.
      .filter((line) => !/\b(?:npm|podman) |\bNODE_OPTIONS=/.test(line))
      .flatMap((line) => line.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []);
    expect(sorted(named).filter((name) => ![...known, '--help'].includes(name))).toEqual([]);
  });
});

/** Every combination of permissions, but none. */
const SETS_OF_PERMISSIONS = PERMISSIONS.reduce<readonly (readonly Permission[])[]>(
  (sets, permission) => [...sets, ...sets.map((set) => [...set, permission])],
  [[]],
).filter((permissions) => permissions.length > 0);

describe('the API', () => {
  const api = page('docs/api.md');
  const operations = tableRowsOf(sectionOf(api, 'Endpoints')).map(
    ([path = '', verb = '', , needs = '']) => ({
      path: path.replaceAll('`', ''),
      verb,
      needs: needs.replaceAll('`', ''),
    }),
  );
  const UNDESCRIBED = ['/openapi.json', '/docs', '/docs/errors', '/download/', '/', '/favicon.ico'];

  let server: TestServer;
  let description: unknown;
  let tokenOf: ReadonlyMap<readonly Permission[], string>;
  beforeAll(async () => {
    server = await TestServer.start();
    description = (await server.ask('GET', '/openapi.json')).json;
    const { id } = await server.createOrganization('supplier', 'Acme');
    tokenOf = new Map(
      await Promise.all(
        SETS_OF_PERMISSIONS.map(
          async (permissions) => [permissions, await server.createToken(id, permissions)] as const,
        ),
      ),
    );
  });
  afterAll(() => server.stop());

  const membersAt = (...path: readonly string[]): Readonly<Record<string, unknown>> => {
    const value = at(description, ...path);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  };
  const names = (...path: readonly string[]): readonly string[] => Object.keys(membersAt(...path));
  const safeWrites = page('docs/safe-writes.md');
  const changes = page('docs/changes.md');
  const files = page('docs/files.md');
  const UPLOAD = '/timp/organizations/files/upload/';
  const firstCodes = (heading: string, text = api): readonly string[] =>
    sorted(tableRowsOf(sectionOf(text, heading)).flatMap(([first = '']) => codesIn(first)));

  test('every operation is documented, and no other is', () => {
    const described = names('paths').flatMap((path) =>
      names('paths', path).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    expect(operations.map(({ verb, path }) => `${verb} ${path}`).toSorted()).toEqual(
      [...described, ...UNDESCRIBED.map((path) => `GET ${path}`)].toSorted(),
    );
  });

  test('every operation requires exactly the permission that is documented', async () => {
    for (const { path, verb, needs } of operations) {
      const needed = needs === '' ? [] : needs.split(', ');
      const body = verb === 'POST' ? { body: '' } : {};
      const { status } = await server.ask(verb, path, body);
      expect(status === 401, `${verb} ${path}`).toBe(needed.length > 0);
      for (const [permissions, token] of tokenOf) {
        const answer = await server.ask(verb, path, { ...body, token });
        const isEnough = needed.every((name) => permissions.some((own) => own === name));
        const what = `${verb} ${path} with ${permissions.join(', ')}`;
        expect([401, 403].includes(answer.status), what).toBe(!isEnough);
      }
    }
  });

  const described = (path: string, verb: string, place: string): readonly string[] =>
    sorted(
      Object.values(membersAt('paths', path, verb, 'parameters'))
        .filter((parameter) => at(parameter, 'in') === place)
        .map((parameter) => textAt(parameter, 'name'))
        // Nearly every operation has them, so they are documented once.
        .filter((name) => !ACTING_PARAMETERS.includes(name)),
    );

  test.for(ACTING_PARAMETERS)('the parameter %s of operators is documented', (name) => {
    expect(page('docs/accounts.md')).toContain(`\`?${name}=<uuid>\``);
  });

  const BATCHES = '/timp/products/skus/inventory/batches/';

  test.for([
    ['get', '/timp/products/skus/', 'Listing SKUs', api],
    ['post', '/timp/products/skus/inventory/bulk/', 'Parameters', api],
    ['get', BATCHES, 'Batches', safeWrites],
    ['post', `${BATCHES}{uuid}/revert/`, 'Undo', safeWrites],
    ['get', '/timp/products/skus/inventory/changes/', 'Reading changes', changes],
    ['get', '/timp/products/skus/{uuid}/history/', 'History', changes],
    ['get', '/timp/suppliers/', 'Listing suppliers', api],
    ['get', '/timp/suppliers/freshness/', 'Freshness', changes],
    ['post', UPLOAD, 'Uploading a file', files],
  ] as const)(
    'every parameter of %s %s is documented, and no other is',
    ([verb, path, heading, text]) => {
      expect(firstCodes(heading, text)).toEqual(described(path, verb, 'query'));
    },
  );

  test('every header of an upload is documented, and no other is', () => {
    expect(firstCodes('Headers of an upload', files)).toEqual(described(UPLOAD, 'post', 'header'));
  });

  test('every header of a write request is documented, and no other is', () => {
    for (const path of ['/timp/products/skus/inventory/bulk/', '/timp/products/skus/inventory/']) {
      expect(firstCodes('Headers')).toEqual(described(path, 'post', 'header'));
    }
  });

  test('every member of a line is documented, and no other is', () => {
    expect(firstCodes('Members of a line')).toEqual(
      sorted(names('components', 'schemas', 'Line', 'properties')),
    );
  });

  test('every stored member of a new SKU is documented, and no other is', () => {
    const members = names('components', 'schemas', 'SkuCreation', 'properties');
    const notKept: readonly string[] = NOT_KEPT;
    expect(firstCodes('Creating a SKU')).toEqual(
      sorted(members.filter((member) => !notKept.includes(member))),
    );
  });

  test.for(UNDESCRIBED)('%s exists', async (path) => {
    expect((await server.ask('GET', path)).status).toBe(200);
  });
});

describe('links', () => {
  test.for([...pages.keys()])('of %s are not broken', (path) => {
    const broken = linksOf(page(path)).filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [file = '', anchor] = target.split('#');
      const to = file === '' ? path : posix.join(posix.dirname(path), file);
      if (!existsSync(join(ROOT, to))) return true;
      if (anchor === undefined) return false;
      return !sectionsOf(page(to)).some((section) => section.anchor === anchor);
    });
    expect(broken).toEqual([]);
  });

  test('every page of docs can be reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const path of reached) {
      for (const target of linksOf(pages.get(path) ?? '')) {
        const to = posix.join(posix.dirname(path), target.split('#')[0] ?? '');
        const isFolder = existsSync(join(ROOT, to)) && statSync(join(ROOT, to)).isDirectory();
        const file = isFolder ? posix.join(to, 'README.md') : to;
        if (pages.has(file)) reached.add(file);
      }
    }
    expect([...pages.keys()].filter((path) => !reached.has(path))).toEqual([]);
  });
});

test('the invariants are numbered, and each names tests that exist', () => {
  const promises = sectionsOf(page('docs/invariants.md')).filter(({ level }) => level > 1);
  expect(promises.map(({ heading }) => Number.parseInt(heading, 10))).toEqual(
    promises.map((_, i) => i + 1),
  );
  for (const { heading, text } of promises) {
    const tests = codesIn(text).filter((code) => code.startsWith('test/'));
    expect(tests, heading).not.toEqual([]);
    expect(
      tests.filter((path) => !path.endsWith('.test.ts') || !existsSync(join(ROOT, path))),
      heading,
    ).toEqual([]);
  }
});

describe('the map', () => {
  test('shows the arrows that the tests enforce', () => {
    const drawn = tableRowsOf(sectionOf(page('ARCHITECTURE.md'), 'Rooms')).map(
      ([room = '', , imports = '']) => [
        room.replaceAll('`', '').replace(/\/$/, ''),
        imports === 'nothing' ? [] : imports.split(', ').toSorted(),
      ],
    );
    expect(Object.fromEntries(drawn)).toEqual(
      Object.fromEntries(Object.entries(ARROWS).map(([room, to]) => [room, to.toSorted()])),
    );
  });

  const files = filesMatching(/./).map(({ path }) => path);
  const exists = (name: string): boolean =>
    existsSync(join(ROOT, name)) ||
    existsSync(join(ROOT, 'src', name)) ||
    (name === basename(name) && files.some((path) => basename(path) === name));

  test('names only files and rooms that exist', () => {
    const named = codesIn(page('ARCHITECTURE.md')).filter((code) =>
      /^[\w./-]+(\.ts|\.md|\/)$/.test(code),
    );
    expect(named.filter((name) => !exists(name))).toEqual([]);
  });

  test('says for every change which existing files to edit and which existing command proves it', () => {
    const rows = tableRowsOf(sectionOf(page('ARCHITECTURE.md'), 'Where to change what'));
    expect(rows).not.toEqual([]);
    const scripts = at(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')), 'scripts');
    const runs = (command: string): boolean => {
      const [, script] = /^npm run (\S+)$/.exec(command) ?? [];
      if (script !== undefined) return at(scripts, script) !== undefined;
      const [, paths] = /^npx vitest run (.+)$/.exec(command) ?? [];
      return paths !== undefined && paths.split(' ').every((path) => existsSync(join(ROOT, path)));
    };
    for (const [change = '', touch = '', proof = ''] of rows) {
      const paths = codesIn(touch).filter((code) => /\.\w+$|\/$/.test(code));
      if (touch !== 'anything') expect(paths, change).not.toEqual([]);
      expect(
        paths.filter((path) => !exists(path)),
        change,
      ).toEqual([]);
      const commands = codesIn(proof).filter((code) => /^np[mx] /.test(code));
      expect(commands, change).not.toEqual([]);
      expect(
        commands.filter((command) => !runs(command)),
        change,
      ).toEqual([]);
    }
  });
});

test('every row of the benchmark is explained, and no other is', () => {
  const rows = tableRowsOf(sectionOf(page('docs/performance.md'), 'What the rows mean'));
  const explained = rows.flatMap(([names = '']) => codesIn(names));
  expect(sorted(explained)).toEqual(sorted(Object.keys({ ...ALL_ROWS, ...SUSTAINED_ROWS })));
});

test('every risk of the OWASP API Security Top 10 names a test that exists', () => {
  const rows = tableRowsOf(sectionOf(page('docs/security.md'), 'OWASP API Security Top 10 (2023)'));
  expect(rows).toHaveLength(10);
  for (const [risk = '', , named = ''] of rows) {
    expect(existsSync(named.replaceAll('`', '')), risk).toBe(true);
  }
});

test('every attack that was tried names tests that exist', () => {
  for (const [attack = '', , named = ''] of tableRowsOf(
    sectionOf(page('docs/security.md'), 'Attacks tried'),
  )) {
    const tests = codesIn(named);
    expect(tests, attack).not.toEqual([]);
    expect(
      tests.filter((path) => !path.endsWith('.test.ts') || !existsSync(join(ROOT, path))),
      attack,
    ).toEqual([]);
  }
});
