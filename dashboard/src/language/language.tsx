import { createContext, type ReactNode, useContext, useState } from 'react';
import type { Messages } from './messages.ts';
import { Formats } from './formats.ts';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const STORAGE_KEY = 'onhand-language';

/** Each is loaded only for those who read it. */
const CATALOGUES: Readonly<Record<Language, () => Promise<Messages>>> = {
  en: async () => (await import('./en/messages.ts')).en,
  de: async () => (await import('./de/messages.ts')).de,
};

interface Speech {
  readonly language: Language;
  readonly messages: Messages;
  readonly formats: Formats;
}

const SpeechContext = createContext<
  { readonly speech: Speech; readonly choose: (language: Language) => void } | undefined
>(undefined);

/** The reader's language: chosen earlier, or the first of the browser's that there is. */
export async function loadSpeech(): Promise<Speech> {
  const stored = window.localStorage.getItem(STORAGE_KEY);
  const wanted = [...(stored === null ? [] : [stored]), ...navigator.languages];
  const [language = 'en'] = wanted.map((tag) => tag.slice(0, 2)).filter(isLanguage);
  return speechOf(language);
}

async function speechOf(language: Language): Promise<Speech> {
  const messages = await CATALOGUES[language]();
  document.documentElement.lang = language;
  // Numbers and times as the reader's country writes them, if the browser speaks the chosen language.
  const locale = navigator.languages.find((tag) => tag.startsWith(language)) ?? language;
  return { language, messages, formats: new Formats(locale) };
}

function isLanguage(tag: string): tag is Language {
  return tag in LANGUAGES;
}

export function SpeechProvider({
  initial,
  children,
}: {
  readonly initial: Speech;
  readonly children: ReactNode;
}) {
  const [speech, setSpeech] = useState(initial);
  const choose = (language: Language): void => {
    window.localStorage.setItem(STORAGE_KEY, language);
    void speechOf(language).then(setSpeech);
  };
  return <SpeechContext value={{ speech, choose }}>{children}</SpeechContext>;
}

function useSpeech() {
  const context = useContext(SpeechContext);
  if (context === undefined) throw new Error('There is no SpeechProvider above.');
  return context;
}

/** The messages in the reader's language, such as `text.skus.title`. */
export function useText(): Messages {
  return useSpeech().speech.messages;
}

/** Numbers and times as the reader writes them. */
export function useFormats(): Formats {
  return useSpeech().speech.formats;
}

export function useLanguage(): {
  readonly language: Language;
  readonly choose: (language: Language) => void;
} {
  const { speech, choose } = useSpeech();
  return { language: speech.language, choose };
}
