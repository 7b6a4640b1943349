/** Places and statuses of stock that is counted and cannot be sold, such as what is in transit or damaged. */
import { folded, namesIn, type InLanguages } from './language.ts';

/** Words in the name of such a place. */
export const UNSELLABLE_WORDS: InLanguages = {
  en: 'in transit, transit, intransit, damaged, damage, damages, dmg, defective, defect, defects, reserved, committed, allocated, quarantine, quarantined, QC hold, quality hold, quality control, quality inspection, inspection, hold, returns, returned, RMA, scrap, scrapped, unsellable, unsaleable, non sellable, not sellable, not for sale, unfulfillable, unusable, unserviceable, unavailable, blocked, expired, missing, stolen, write off, written off, disposal, incoming, inbound, on order, receiving, researching, delete, remove',
  de: 'beschädigt, beschädigte, defekt, defekte, Sperrlager, Sperrbestand, gesperrt, gesperrter, Quarantäne, Transit, unterwegs, Zulauf, reserviert, reservierter, Retouren, Retourenlager, Retoure, Ausschuss, Schrott, Qualitätsprüfung, Wareneingang',
  fr: 'endommagé, endommagés, défectueux, abîmé, abîmés, réservé, quarantaine, retours, rebut, rebuts, bloqué, casse, périmé, périmés',
  es: 'dañado, dañados, averiado, averiados, defectuoso, defectuosos, en tránsito, tránsito, reservado, cuarentena, devoluciones, bloqueado, merma, caducado, caducados',
  it: 'danneggiato, danneggiati, difettoso, difettosi, in transito, riservato, impegnato, quarantena, resi, bloccato, scarto, scarti, scaduto, scaduti',
  nl: 'beschadigd, defect, onderweg, gereserveerd, quarantaine, retouren, geblokkeerd, afgekeurd, verlopen',
  pl: 'uszkodzony, uszkodzone, w drodze, w tranzycie, zarezerwowane, rezerwacja, kwarantanna, zwroty, zablokowane, wybrakowane, przeterminowane',
  pt: 'danificado, danificados, avariado, avariados, em trânsito, trânsito, reservado, quarentena, devoluções, bloqueado, sucata, vencido, vencidos',
  sv: 'skadat, skadad, skadade, på väg, reserverat, reserverad, karantän, returer, spärrad, spärrat, kasserat',
  da: 'beskadiget, under transport, på vej, reserveret, karantæne, returvarer, spærret, kasseret',
};

const UNSELLABLE: readonly string[] = [
  ...new Set(Array.from(namesIn(UNSELLABLE_WORDS), ([words]) => inWords(words))),
];

/** Words that turn the one behind them into its opposite: stock that is `Not reserved` or `Non-defective` can be sold. */
const NEGATIONS: InLanguages = {
  en: 'not, no, non, never, without, passed',
  de: 'nicht, kein, keine, ohne',
  fr: 'non, pas, sans',
  es: 'no, sin',
  it: 'non, senza',
  nl: 'niet, geen, zonder',
  pl: 'nie, bez',
  pt: 'não, sem',
  sv: 'ej, inte, utan',
  da: 'ikke, ingen, uden',
};

const NEGATED: readonly string[] = [
  ...new Set(Array.from(namesIn(NEGATIONS), ([word]) => inWords(word).trimEnd())),
];

/** They tell most names apart from those of `UNSELLABLE` in one step. */
const FIRST_WORDS: ReadonlySet<string> = new Set(
  UNSELLABLE.map((words) => words.trim().split(' ', 1).join('')),
);

/** Longest name that is looked at, in characters. */
const NAME_CHARACTERS_MAX = 200;

/** Whether the name of a place or a status says that its stock cannot be sold: `Damaged`, `NJ - Quarantine`. */
export function isUnsellable(name: string): boolean {
  const words = inWords(name.slice(0, NAME_CHARACTERS_MAX));
  return (
    words.split(' ').some((word) => FIRST_WORDS.has(word)) &&
    UNSELLABLE.some((unsellable) => {
      const at = words.indexOf(unsellable);
      return at !== -1 && !NEGATED.some((negation) => words.slice(0, at).endsWith(negation));
    })
  );
}

/** A text as words of letters and digits, with a space before and behind each. */
function inWords(text: string): string {
  return ` ${folded(text)
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `;
}
