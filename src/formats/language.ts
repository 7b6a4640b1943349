/** The languages in which headers and words of files are read, by their ISO 639-1 codes. */
export const LANGUAGES = {
  en: 'English',
  de: 'German',
  fr: 'French',
  es: 'Spanish',
  it: 'Italian',
  nl: 'Dutch',
  pl: 'Polish',
  pt: 'Portuguese',
  sv: 'Swedish',
  da: 'Danish',
} as const;

export type Language = keyof typeof LANGUAGES;

/** Names or words by language, separated by commas and written as people write them. */
export type InLanguages = Readonly<Partial<Record<Language, string>>>;

/** The names of a list of `InLanguages`, each with its language. */
export function* namesIn(texts: InLanguages): Generator<readonly [name: string, Language]> {
  for (const language of LANGUAGE_CODES)
    for (const name of (texts[language] ?? '').split(',')) {
      const trimmed = name.trim();
      if (trimmed !== '') yield [trimmed, language];
    }
}

export const LANGUAGE_CODES: readonly Language[] = [
  'en',
  'de',
  'fr',
  'es',
  'it',
  'nl',
  'pl',
  'pt',
  'sv',
  'da',
];

/** Lower case without accents: `Verfügbar` is `verfugbar`, `Ilość` is `ilosc`, `På lager` is `pa lager`. */
export function folded(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[łøæœßđ]/g, (letter) => UNDECOMPOSED[letter] ?? letter);
}

/** Letters with a mark that Unicode does not separate. */
const UNDECOMPOSED: Readonly<Record<string, string>> = {
  ł: 'l',
  ø: 'o',
  æ: 'ae',
  œ: 'oe',
  ß: 'ss',
  đ: 'd',
};
