/** What the words for a SKU's status mean, in files of every format. */
import { restrictionCode, type Restriction } from '../domain/inventory.ts';
import { folded, namesIn, type InLanguages } from './language.ts';

/** What a status says. */
export const STATUS_KINDS = ['discontinued', 'unavailable', 'available', 'out of stock'] as const;
export type StatusKind = (typeof STATUS_KINDS)[number];

/** The words of each status. Case, accents, spaces and punctuation do not matter. */
export const STATUS_WORDS: Readonly<Record<StatusKind, InLanguages>> = {
  discontinued: {
    en: 'discontd, discontinued, disc, obsolete, end of life, EOL, no longer available, retired, deleted, withdrawn, out of print, end-of-line, no longer stocked, phase out, phased out, phasing out, NLA, will not restock, will not be restocked, discontinued item, inactive - discontinued',
    de: 'eingestellt, ausgelaufen, abgekündigt, nicht mehr lieferbar, nicht mehr verfügbar, aus dem Sortiment, Auslauf, Auslaufartikel, auslaufend',
    fr: 'abandonné, arrêté, supprimé, fin de vie, plus disponible, discontinué, fin de série',
    es: 'descatalogado, discontinuado, fuera de catálogo, fin de serie',
    it: 'fuori produzione, fuori catalogo, dismesso, non più disponibile',
    nl: 'uit assortiment, niet meer leverbaar, vervallen, uitlopend',
    pl: 'wycofany, wycofane, produkcja zakończona',
    pt: 'descontinuado, fora de linha',
    sv: 'utgått, utgången, utgår, har utgått',
    da: 'udgået, udgår, er udgået',
  },
  unavailable: {
    en: 'tmpunavail, temporarily unavailable, unavailable, currently unavailable, not available, on hold, hidden, inactive, disabled, suspended, paused, blocked, draft, archived, unpublished, do not sell, recalled',
    de: 'nicht verfügbar, vorübergehend nicht verfügbar, nicht lieferbar, gesperrt, inaktiv, deaktiviert, versteckt',
    fr: 'indisponible, temporairement indisponible, non disponible, masqué, inactif, désactivé, suspendu',
    es: 'no disponible, temporalmente no disponible, oculto, inactivo, desactivado, suspendido',
    it: 'non disponibile, temporaneamente non disponibile, nascosto, inattivo, disattivato, sospeso',
    nl: 'niet beschikbaar, tijdelijk niet beschikbaar, niet leverbaar, verborgen, inactief, geblokkeerd',
    pl: 'niedostępny, niedostępne, czasowo niedostępny, chwilowo niedostępny, ukryty, nieaktywny, zablokowany',
    pt: 'indisponível, temporariamente indisponível, não disponível, oculto, inativo, suspenso',
    sv: 'ej tillgänglig, inte tillgänglig, dold, inaktiv, spärrad',
    da: 'utilgængelig, ikke tilgængelig, skjult, inaktiv, spærret',
  },
  available: {
    en: 'active, available, in stock, enabled, published, visible, live, limited, limited stock, limited availability, low stock, guaranteed',
    de: 'verfügbar, lieferbar, sofort lieferbar, sofort verfügbar, auf Lager, ab Lager, lagernd, vorrätig, aktiv, aktiviert',
    fr: 'disponible, en stock, actif, activé, disponible immédiatement, stock limité, stock faible',
    es: 'disponible, en stock, en existencia, con stock, hay stock, activo, pocas unidades',
    it: 'disponibile, in stock, a magazzino, in magazzino, disponibilità limitata, attivo',
    nl: 'beschikbaar, leverbaar, direct leverbaar, op voorraad, beperkt beschikbaar, actief',
    pl: 'dostępny, dostępne, dostępna, na stanie, w magazynie, aktywny',
    pt: 'disponível, em estoque, em stock, pronta entrega, ativo',
    sv: 'tillgänglig, i lager, finns i lager, aktiv',
    da: 'tilgængelig, på lager, findes på lager, aktiv',
  },
  'out of stock': {
    en: 'out of stock, sold out, no stock, not in stock, OOS, backorder, backordered, on backorder, preorder, temporarily out of stock, temp out of stock',
    de: 'ausverkauft, nicht auf Lager, nicht lagernd, nicht vorrätig, vergriffen, kein Bestand, vorbestellbar',
    fr: 'rupture, en rupture, rupture de stock, en rupture de stock, épuisé, hors stock, pas en stock, rupture temporaire, précommande',
    es: 'agotado, sin stock, sin existencias, fuera de stock, no hay stock, agotado temporalmente, preventa',
    it: 'esaurito, non in stock, fuori stock, non a magazzino, temporaneamente esaurito, preordine',
    nl: 'uitverkocht, tijdelijk uitverkocht, niet op voorraad, geen voorraad, nabestelling',
    pl: 'wyprzedany, wyprzedane, brak, brak w magazynie, brak na stanie, brak towaru, przedsprzedaż',
    pt: 'esgotado, sem estoque, sem stock, fora de estoque, em falta, pré-venda',
    sv: 'slut, slutsåld, slut i lager, tillfälligt slut, ej i lager, inte i lager, finns ej i lager',
    da: 'udsolgt, midlertidigt udsolgt, ikke på lager, restordre',
  },
};

/** The restriction of each status; null is none. */
export const RESTRICTION_OF_STATUS: Readonly<Record<StatusKind, Restriction | null>> = {
  discontinued: 'discontd',
  unavailable: 'tmpunavail',
  available: null,
  'out of stock': null,
};

/** The status that a word means; undefined if it is not known. */
export function statusOf(word: string): StatusKind | undefined {
  return STATUS_BY_WORD.get(normalizedWord(word));
}

/** The code of the restriction that a status word means; null for none, undefined for an unknown word. */
export function restrictionOfStatus(word: string): number | null | undefined {
  const status = statusOf(word);
  if (status === undefined) return undefined;
  const restriction = RESTRICTION_OF_STATUS[status];
  return restriction === null ? null : restrictionCode(restriction);
}

/** Shops' markup has the words of schema.org, such as `https://schema.org/InStock`. */
const SCHEMA_ORG = /^https?:\/\/schema\.org\//i;

function normalizedWord(word: string): string {
  return folded(word.replace(SCHEMA_ORG, '')).replaceAll(/[^\p{L}\p{N}]/gu, '');
}

const STATUS_BY_WORD: ReadonlyMap<string, StatusKind> = new Map(
  STATUS_KINDS.flatMap((status) =>
    Array.from(namesIn(STATUS_WORDS[status]), ([word]) => [normalizedWord(word), status] as const),
  ),
);

/** The words for yes and no. */
export const FLAG_WORDS: Readonly<Record<'yes' | 'no', InLanguages>> = {
  yes: {
    en: '1, yes, y, true, t, ✓, ✔',
    de: 'ja, wahr',
    fr: 'oui, vrai',
    es: 'sí',
    it: 'sì, vero',
    pl: 'tak',
    pt: 'sim',
  },
  no: {
    en: '0, no, n, false, f',
    de: 'nein, falsch',
    fr: 'non, faux',
    it: 'falso',
    nl: 'nee',
    pl: 'nie',
    pt: 'não',
    sv: 'nej',
  },
};

/** Whether a word means yes or no; undefined if it is not known. */
export function flagOf(word: string): boolean | undefined {
  return FLAG_BY_WORD.get(normalizedWord(word));
}

const FLAG_BY_WORD: ReadonlyMap<string, boolean> = new Map(
  (['yes', 'no'] as const).flatMap((flag) =>
    Array.from(
      namesIn(FLAG_WORDS[flag]),
      ([word]) => [normalizedWord(word), flag === 'yes'] as const,
    ),
  ),
);
