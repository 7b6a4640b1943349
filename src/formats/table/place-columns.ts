/** Columns that say where a row's stock is: a warehouse, a bin, a lot. */
import { namesIn, type InLanguages } from '../language.ts';
import { isUnsellable } from '../unsellable.ts';
import { normalizedHeader } from './aliases.ts';
import { withoutBlanks } from './blanks.ts';

/** Headers of such columns. Rows of one SKU at different places are parts of its stock. */
export const PLACE_NAMES: InLanguages = {
  en: 'warehouse, warehouse code, warehouse name, warehouse ID, warehouse number, location, location name, location code, location ID, inventory location, stock location, storage location, SLoc, site, site code, facility, facility ID, fulfillment center, fulfillment center ID, distribution center, DC, store, store name, store ID, branch, branch code, plant, plnt, depot, source code, ship node, bin, bin name, bin location, lot, lot number, lot no, batch, batch number, batch no, stock type, stock category, inventory type, inventory state, disposition, detailed disposition, warehouse condition code, update delete, add delete, add/modify/delete, action',
  de: 'Lager, Lagerort, LOrt, Lagername, Lagerplatz, Lagernummer, Lager-Nr., Werk, Filiale, Standort, Charge, Bestandsart',
  fr: 'entrepôt, dépôt, magasin, emplacement, lot, type de stock',
  es: 'almacén, bodega, ubicación, tienda, sucursal, lote, tipo de stock',
  it: 'magazzino, deposito, ubicazione, negozio, lotto',
  nl: 'magazijn, locatie, filiaal, winkel, partij',
  pl: 'magazyn, lokalizacja, oddział, sklep, partia',
  pt: 'armazém, depósito, local, loja, filial, lote',
  sv: 'lager, lagerplats, butik',
  da: 'lager, lagersted, lokation, butik',
};

const PLACES: ReadonlySet<string> = new Set(
  Array.from(namesIn(PLACE_NAMES), ([name]) => normalizedHeader(name)),
);

/** Whether a header says where the stock of a row is. */
export function isPlaceName(header: string): boolean {
  return PLACES.has(normalizedHeader(header));
}

/**
 * Where a row's stock is, as its cells in these columns say; empty if they are empty, and undefined if there are no such
 * columns.
 */
export function placeOf(cells: readonly string[], places: readonly number[]): string | undefined {
  if (places.length === 0) return undefined;
  const named = places.map((place) => withoutBlanks(cells[place] ?? ''));
  return named.every((name) => name === '') ? '' : named.join('\n');
}

/** The first of these columns whose cell says that the row's stock cannot be sold; undefined if none does. */
export function unsellablePlace(
  cells: readonly string[],
  places: readonly number[],
): { readonly at: number; readonly name: string } | undefined {
  for (const at of places) {
    const name = withoutBlanks(cells[at] ?? '');
    if (name !== '' && isUnsellable(name)) return { at, name };
  }
  return undefined;
}

/** Headers of columns with the day of a row's stock. Rows of one SKU on several days must not be added up. */
export const DAY_NAMES: InLanguages = {
  en: 'date, as of, as of date, snapshot date, inventory date, stock date, report date, count date',
  de: 'Datum, Stichtag, Bestandsdatum',
  fr: 'date du stock',
  es: 'fecha, fecha de inventario',
  it: 'data, data inventario',
  nl: 'peildatum',
  pl: 'data stanu',
  pt: 'data do estoque',
  sv: 'lagerdatum',
  da: 'dato',
};

const DAYS: ReadonlySet<string> = new Set(
  Array.from(namesIn(DAY_NAMES), ([name]) => normalizedHeader(name)),
);

/** Whether a header is that of the day of a row's stock. */
export function isDayName(header: string): boolean {
  return DAYS.has(normalizedHeader(header));
}

/** Cells in such columns that mean all places together. */
export const TOTAL_NAMES: InLanguages = {
  en: 'total, totals, grand total, subtotal, sub-total, sum, all, all locations, all warehouses, all stores, overall, combined',
  de: 'gesamt, Summe, Gesamtsumme, Zwischensumme, alle, alle Lager',
  fr: 'total général, sous-total, somme, tous, tous les dépôts, toutes',
  es: 'total general, suma, todos, todas',
  it: 'totale, totale generale, somma, tutti',
  nl: 'totaal, eindtotaal, subtotaal, som, alle',
  pl: 'razem, suma, łącznie, wszystkie',
  pt: 'total geral, soma, todos',
  sv: 'totalt, summa, alla',
  da: 'i alt, alle',
};

const TOTALS: ReadonlySet<string> = new Set(
  Array.from(namesIn(TOTAL_NAMES), ([name]) => normalizedHeader(name)),
);

/** Whether a row's stock is the total of all places, as its cells in these columns say. */
export function isTotalPlace(cells: readonly string[], places: readonly number[]): boolean {
  return places.some((place) => TOTALS.has(normalizedHeader(cells[place] ?? '')));
}
