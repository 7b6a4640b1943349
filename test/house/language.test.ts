import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { filesMatching } from './sources.ts';

/** Words and phrases that signal a sentence to rewrite, with what to write instead. */
const SIGNALS: Readonly<Record<string, string>> = {
  whoever: 'name the person or program',
  'of when': 'the timestamp of',
  'be it': 'a sentence of its own',
  'is told': 'say who does what: "the reply shows"',
  'tells that': 'shows that, says that',
  'what became of': 'the result of, the state of',
  'so many': 'the number of, at least N',
  nobody: 'name who cannot, or what does not happen',
  somebody: 'name who can',
  'goes on': 'continues, resumes',
  'gone on with': 'resumed',
  'of which none': 'a sentence of its own',
  lies: 'is',
  'stands(?! (?:in )?for\\b)': 'is',
  'hasten(?:s|ed)?': 'retry now',
  ailing: 'unavailable',
  '(?:bear|bears|borne) with': 'retry, tolerate',
  'a row an?': 'one … per row',
  'a line an?': 'one … per line',
  'what is kept of': 'what is stored of',
  parted: 'separated, split',
};

interface Exception {
  /** A file, or `help` for the help of the CLI's commands. */
  readonly file: string;
  /** The signal word with enough of its sentence to find no other. */
  readonly phrase: string;
  readonly reason: string;
}

const EXCEPTIONS: readonly Exception[] = [
  {
    file: 'src/wire/problem.ts',
    phrase: 'Not possible as the file stands',
    reason: 'the title of an error, which clients may know',
  },
  {
    file: 'docs/errors.md',
    phrase: 'Not possible as the file stands',
    reason: 'the title of an error, which clients may know',
  },
];

interface Prose {
  readonly file: string;
  readonly text: string;
}

function helpOf(command: Command): string {
  const texts: string[] = [];
  command.configureOutput({ writeOut: (text) => texts.push(text) }).outputHelp();
  return [...texts, ...command.commands.map((inner) => helpOf(inner))].join('\n');
}

const texts: readonly Prose[] = [
  ...filesMatching(
    /^(src|dashboard\/src)\/.*\.tsx?$|^docs\/.*\.md$|^(README|ARCHITECTURE|CONTRIBUTING)\.md$/,
  ).map(({ path, text }) => ({ file: path, text })),
  { file: 'help', text: helpOf(await buildProgram()) },
];

/** One line of text, so that a phrase is found across the line breaks of comments and strings. */
function unwrapped(text: string): string {
  return text
    .replaceAll(/['`"] \+\s+['`"]/g, '')
    .replaceAll(/\n[ \t]*(?:\/\/|\*(?!\/)|>)?[ \t]*/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

function signalsIn({ file, text }: Prose): readonly string[] {
  const allowed = EXCEPTIONS.filter((exception) => exception.file === file);
  const prose = allowed.reduce((rest, { phrase }) => rest.replaceAll(phrase, ''), unwrapped(text));
  return Object.entries(SIGNALS).flatMap(([signal, instead]) =>
    [...prose.matchAll(new RegExp(`\\b${signal}\\b`, 'gi'))].map(({ index, 0: found }) => {
      const context = prose.slice(Math.max(0, index - 40), index + found.length + 40);
      return `${file}: "…${context}…" (instead: ${instead})`;
    }),
  );
}

describe('plain technical English', () => {
  test('sources, docs and CLI help contain no signal word', () => {
    expect(texts.flatMap((prose) => signalsIn(prose))).toEqual([]);
  });

  test('every exception is still needed', () => {
    const needless = EXCEPTIONS.filter(
      ({ file, phrase }) =>
        !texts.some((prose) => prose.file === file && unwrapped(prose.text).includes(phrase)),
    );
    expect(needless).toEqual([]);
  });

  test.for([
    ['in a sentence', 'The result lies below.', 'lies'],
    ['across a line break', '/**\n * What became\n * of the file.\n */', 'What became of'],
    ['across strings', "'is '\n  + 'told'", ''],
    ['as part of another word', 'It relies on departed understands.', ''],
    ['in a standard phrase', 'A number stands for its digits.', ''],
  ] as const)('finds a signal word %s', ([, text, expected]) => {
    const found = signalsIn({ file: 'example', text });
    expect(found.filter((message) => message.includes(expected))).toHaveLength(
      expected === '' ? 0 : 1,
    );
  });
});
