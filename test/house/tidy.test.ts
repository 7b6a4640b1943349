import { expect, test } from 'vitest';
import { filesMatching, type SourceFile } from './sources.ts';

const LINES_MAX = 500;

interface Ban {
  readonly what: RegExp;
  readonly instead: string;
  /** The files that it applies to. */
  readonly where: RegExp;
  readonly except?: RegExp;
}

const BANS: readonly Ban[] = [
  {
    what: /\b(TODO|FIXME|XXX|HACK)\b/,
    instead: 'finish it or file an issue',
    where: /\.(tsx?|js|md)$/,
  },
  {
    what: /@ts-(ignore|expect-error|nocheck)/,
    instead: 'a correct type',
    where: /\.tsx?$/,
  },
  {
    what: /(oxlint|eslint)-disable/,
    instead: 'code that passes, or a rule changed for every file',
    where: /\.tsx?$/,
  },
  {
    what: /\b(test|it|describe)\.(only|skip|todo)\(/,
    instead: 'a test that runs',
    where: /\.tsx?$/,
  },
  {
    what: /\bprocess\.env\b/,
    instead: 'src/config.ts',
    where: /^src\//,
    except: /^src\/config\.ts$/,
  },
  {
    what: /\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET|CREATE TABLE)\b/,
    instead: 'a method of the store contract',
    where: /^src\//,
    except: /^src\/store\//,
  },
  {
    what: /\bnew Date\(\)|\bDate\.now\(|Math\.random\(/,
    instead: 'a clock and a random source passed as parameters',
    where: /^src\/(domain|wire|formats)\//,
  },
  {
    what: /\blog\.(trace|debug|info|warn|error|fatal)\(/,
    instead: 'logEvent, with an event of src/logging/events.ts',
    where: /^src\//,
  },
  {
    what: /\bvi\.(mock|spyOn)\(|\bmockImplementation\b/,
    instead: 'the real thing',
    where: /^test\//,
  },
];

const self = /^test\/house\/tidy\.test\.ts$/;
const files = filesMatching(/^(src|dashboard\/src|test|bench|bin|docs)\/|^[A-Z]+\.md$/).filter(
  ({ path }) => !self.test(path),
);
const code = files.filter(({ path }) => /\.(tsx?|js)$/.test(path));

test.for(BANS)('no file contains $what: $instead', ({ what, where, except }) => {
  const found = files
    .filter(({ path }) => where.test(path) && !except?.test(path))
    .flatMap((file) => linesMatching(file, what));
  expect(found).toEqual([]);
});

function linesMatching({ path, text }: SourceFile, what: RegExp): readonly string[] {
  return text
    .split('\n')
    .flatMap((line, i) => (what.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []));
}

test(`no file of code is longer than ${LINES_MAX} lines`, () => {
  const long = code.filter(({ text }) => text.split('\n').length > LINES_MAX);
  expect(long.map(({ path }) => path)).toEqual([]);
});

test('no file or folder is named like a drawer: utils, helpers, common', () => {
  const drawers = code.filter(({ path }) =>
    /(^|\/)(utils?|helpers?|common|misc|lib|shared)(\/|\.[tj]s$)/.test(path),
  );
  expect(drawers.map(({ path }) => path)).toEqual([]);
});

test('every export is used', () => {
  const unused = code
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(({ path, text }) =>
      [
        ...text.matchAll(
          /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|class|const|interface|type) (\w+)/gm,
        ),
      ]
        .map(([, name = '']) => name)
        .filter(
          (name) =>
            !code.some((file) => file.path !== path && new RegExp(`\\b${name}\\b`).test(file.text)),
        )
        .filter((name) => (text.match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length < 2)
        .map((name) => `${path}: ${name}`),
    );
  expect(unused).toEqual([]);
});
