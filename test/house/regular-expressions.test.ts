import { describe, expect, test } from 'vitest';
import { fasterThan } from '../attack/cpu-time.ts';
import { filesMatching } from './sources.ts';

/**
 * Every regular expression of the server is run on texts made to be slow: its own characters, repeated. Of ten
 * thousand a linear one needs a fraction of a millisecond, a quadratic one a hundred. A few repetitions come
 * first, because an exponential one would never finish with more.
 */
const REPETITIONS = [23, 10_000] as const;
const CPU_MS_MAX = 20;
const STARTS_MAX = 5;

/** Expressions that are not linear, and why that does no harm. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'src/formats/table/dates.ts: /^(.+?)(?:T|\\s+)\\d{1,2}:\\d{2}(?::\\d{2}(?:[.,]\\d+)?)?\\s*(?:[AaPp]\\.?[Mm]\\.?)?\\s*(?:Z|UTC|[+-]\\d{2}:?\\d{2})?$/':
    'a date in a cell is at most DATE_LENGTH_MAX characters',
  'src/formats/table/dates.ts: /[a-z]+$/': 'a date in a cell is at most DATE_LENGTH_MAX characters',
  "src/formats/table/quantities.ts: /^[\\d.,'\\s+-]*\\d[\\d.,'\\s+-]*$/":
    'a word for a quantity is at most WORD_LENGTH_MAX characters',
  'src/http/pages.ts: /\\[([^\\]]+)\\]\\((#[^)]*)\\)/g': 'the text is a page of the documentation',
  'src/http/pages.ts: /\\[([^\\]]+)\\]\\([^)]*\\)/g': 'the text is a page of the documentation',
  'src/formats/xlsx/numbers.ts: /^[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?$/i':
    'the text has at most 400 characters',
  'src/cli/remote/options.ts: /\\/+$/': 'the text is the URL that the user of the command gives',
  'src/cli/run.ts: /\\s*\\n\\s*/g': 'the text is an error message of the command itself',
  'src/cli/bench/server.ts: /\\/+$/': 'the text is the URL that the user of the command gives',
  'src/accounts/credentials.ts: /=+$/': 'the text is a hash that the server computed',
};

interface Expression {
  readonly path: string;
  readonly source: string;
  readonly flags: string;
}

/** A literal begins after punctuation or `return`; a division does not. */
const LITERAL =
  /(?:[(,=:[!&|?{};\n]|return|=>)\s*\/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])*)\/([dgimsuvy]*)/g;

const SOURCES = filesMatching(/^src\/.*\.ts$/);

const expressions: readonly Expression[] = SOURCES.flatMap(({ path, text }) =>
  [...withoutComments(text).matchAll(LITERAL)].map(([, source = '', flags = '']) => ({
    path,
    source,
    flags,
  })),
);

function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line))
    .join('\n');
}

const nameOf = ({ path, source, flags }: Expression): string => `${path}: /${source}/${flags}`;

/** Characters that the expression may repeat: those it names, and one of each common class. */
function pumpsOf(source: string): readonly string[] {
  const named = source
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replaceAll(/\\[bBdDsSwWpPkux]|\(\?[:=!<]*/g, '');
  const characters = new Set(Array.from(` \t\n0a_-"'=,;/\\[{${named}`));
  const words = source.match(/[A-Za-z]{2,}/g) ?? [];
  return [...characters, ...words, 'a ', '0.', '0,', ' \n', '""', '\\"', 'a.'];
}

function slowestPump({ source, flags }: Expression): string | undefined {
  const expression = new RegExp(source, flags.replaceAll(/[gy]/g, ''));
  const everywhere = new RegExp(source, `${flags.replaceAll(/[gy]/g, '')}g`);
  const starts = ['', ...new Set([...source.matchAll(/[^\\()[\]{}?*+|^$.]{1,8}/g)].map(String))];
  return pumpsOf(source).find((pump) =>
    starts.slice(0, STARTS_MAX).some((start) =>
      REPETITIONS.some((repetitions) => {
        const text = `${start}${pump.repeat(repetitions)}\u0001`;
        return !fasterThan(CPU_MS_MAX, () => {
          expression.test(text);
          text.replace(everywhere, '');
        });
      }),
    ),
  );
}

describe('regular expressions take linear time', () => {
  test('all of them are found', () => {
    expect(expressions.length).toBeGreaterThan(100);
    const built = SOURCES.filter(({ text }) => /\bRegExp\(/.test(withoutComments(text)));
    expect(built.map(({ path }) => path)).toEqual([]);
  });

  test('the check finds a quadratic one', () => {
    for (const source of ['\\s+$', '[ x]+$', '^(a+)+b', '^0*0*1$', '=[^,]*,', '\\[[^\\]]*\\]']) {
      expect(slowestPump({ path: '', source, flags: '' }), source).toBeDefined();
    }
  });

  test('each is linear, or is an exception with its reason', { timeout: 120_000 }, () => {
    const slow = expressions
      .filter((expression) => !(nameOf(expression) in EXCEPTIONS))
      .flatMap((expression) => {
        const pump = slowestPump(expression);
        return pump === undefined ? [] : [`${nameOf(expression)} repeats ${JSON.stringify(pump)}`];
      });
    expect(slow).toEqual([]);
  });

  test('no exception is obsolete', () => {
    const names = new Set(expressions.map(nameOf));
    expect(Object.keys(EXCEPTIONS).filter((name) => !names.has(name))).toEqual([]);
  });
});
