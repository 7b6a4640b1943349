/** Words for units of measure in tables. */
import { UNITS, type Unit } from './edi/units.ts';
import { folded, namesIn, type InLanguages, type Language } from './language.ts';

type UnitKind = 'single' | 'dozen' | 'hundred' | 'container';

/** The words of each kind of unit, besides the codes of EDI. Case, accents and punctuation do not matter. */
export const UNIT_WORDS: Readonly<Record<UnitKind, InLanguages>> = {
  single: {
    en: 'each, piece, pieces, pcs, unit, units, item, items',
    de: 'Stück, Stk, St, Einheit, Einheiten',
    fr: 'pièce, pièces, pce, pces, unité, unités, U',
    es: 'unidad, unidades, ud, uds, pieza, piezas, pza, pzas',
    it: 'pezzo, pezzi, pz, nr',
    nl: 'stuk, stuks, st',
    pl: 'sztuka, sztuki, sztuk, szt',
    pt: 'unidade, unidades, und, unid, peça, peças, pç',
    sv: 'styck, st',
    da: 'styk, stk',
  },
  dozen: {
    en: 'dozen, dozens, doz',
    de: 'Dutzend, Dtz',
    fr: 'douzaine, douzaines',
    es: 'docena, docenas',
    it: 'dozzina, dozzine',
    nl: 'dozijn',
    pl: 'tuzin',
    pt: 'dúzia, dúzias',
    sv: 'dussin',
    da: 'dusin',
  },
  hundred: { en: 'hundred' },
  container: {
    en: 'case, cases, carton, cartons, ctn, ctns, cse, box, boxes, pack, packs, package, packages, packet, bundle, pallet, pallets, tray, trays, crate, crates',
    de: 'Karton, Kartons, Kiste, Kisten, Packung, Pack, Palette, Paletten, VE, Gebinde, KAR, KI, PAK, PAL, Krt, Bund, Tray',
    fr: 'carton, cartons, caisse, caisses, boîte, boîtes, paquet, palette',
    es: 'caja, cajas, paquete, palé, palet',
    it: 'cartone, cartoni, scatola, scatole, confezione, conf, pacco, bancale',
    nl: 'doos, dozen, krat, pak, verpakking',
    pl: 'karton, kartony, paczka, opakowanie, op, paleta',
    pt: 'caixa, caixas, cx, pacote, palete',
    sv: 'kartong, kartonger, låda, förpackning, förp, pall',
    da: 'karton, kasse, kasser, pakke, palle',
  },
};

const SIZES: Readonly<Record<UnitKind, Unit['size']>> = {
  single: 1,
  dozen: 12,
  hundred: 100,
  container: 'container',
};

/**
 * How many units one of the unit is that a word or code means; undefined if it is not known.
 *
 * @param languages the languages of the file, other than English: "dozen" are boxes in Dutch
 */
export function unitSizeOf(word: string, languages: readonly Language[]): Unit['size'] | undefined {
  const unit = normalizedUnit(word);
  const isBoxes = languages.includes('nl') && unit === 'dozen';
  return isBoxes ? 'container' : SIZE_BY_WORD.get(unit);
}

function normalizedUnit(word: string): string {
  return folded(word).replaceAll(/[^\p{L}\p{N}]/gu, '');
}

const SIZE_BY_WORD: ReadonlyMap<string, Unit['size']> = new Map([
  ...UNITS.map(({ code, size }) => [normalizedUnit(code), size] as const),
  ...(['container', 'hundred', 'dozen', 'single'] as const).flatMap((kind) =>
    Array.from(namesIn(UNIT_WORDS[kind]), ([word]) => [normalizedUnit(word), SIZES[kind]] as const),
  ),
]);
