/** Reads Markdown as formatted by prettier: sections, tables, code and links. */

export interface Fence {
  readonly language: string;
  readonly text: string;
}

export interface Section {
  readonly heading: string;
  /** 1 for a page's title. */
  readonly level: number;
  /** The fragment of links to the section, as GitHub generates it. */
  readonly anchor: string;
  /** The text below the heading, up to the next heading of any level. */
  readonly text: string;
}

const FENCE = /^```(\w*)\n(.*?)^```$/gms;

/** The fenced blocks of a page, in their order. */
export function fencesOf(page: string): readonly Fence[] {
  return [...page.matchAll(FENCE)].map(([, language = '', text = '']) => ({ language, text }));
}

/** A page without its fenced blocks. */
export function proseOf(page: string): string {
  return page.replace(FENCE, '');
}

export function sectionsOf(page: string): readonly Section[] {
  return [...proseOf(page).matchAll(/^(#+) (.+)\n((?:(?!#+ ).*\n?)*)/gm)].map(
    ([, marks = '', heading = '', text = '']) => ({
      heading,
      level: marks.length,
      anchor: anchorOf(heading),
      text,
    }),
  );
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '')
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

/** The section with that heading. */
export function sectionOf(page: string, heading: string): string {
  const section = sectionsOf(page).find((candidate) => candidate.heading === heading);
  if (section === undefined) throw new Error(`there is no section "${heading}"`);
  return section.text;
}

/** The cells of all tables in a text, row by row, without header rows. */
export function tableRowsOf(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n');
  return lines.flatMap((line, i) => {
    const isHeader = isRule(lines[i + 1] ?? '');
    if (!line.startsWith('| ') || isHeader || isRule(line)) return [];
    return [
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ];
  });
}

/** Whether a line separates a table's header from its rows. */
function isRule(line: string): boolean {
  return line.startsWith('| -');
}

/** The inline `code` of a text. */
export function codesIn(text: string): readonly string[] {
  return [...proseOf(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** The targets of a page's links. */
export function linksOf(page: string): readonly string[] {
  return [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}
