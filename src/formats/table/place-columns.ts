/** Columns that say where a row's stock is: a warehouse, a bin, a lot. */
import { namesIn, type InLanguages } from '../language.ts';
import { normalizedHeader } from './aliases.ts';
import { withoutBlanks } from './blanks.ts';

/** Headers of such columns. Rows of one SKU at different places are parts of its stock. */
export const PLACE_NAMES: InLanguages = {
  en: 'warehouse, warehouse code, warehouse name, warehouse ID, warehouse number, location, location name, location code, location ID, inventory location, stock location, storage location, SLoc, site, site code, facility, facility ID, fulfillment center, fulfillment center ID, distribution center, DC, store, store name, store ID, branch, branch code, plant, plnt, depot, source code, ship node, bin, bin name, bin location, lot, lot number, lot no, batch, batch number, batch no',
  de: 'Lager, Lagerort, LOrt, Lagername, Lagerplatz, Lagernummer, Lager-Nr., Werk, Filiale, Standort, Charge',
  fr: 'entrepôt, dépôt, magasin, emplacement, lot',
  es: 'almacén, bodega, ubicación, tienda, sucursal, lote',
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

/** Where a row's stock is, as its cells in these columns say; undefined if they are empty. */
export function placeOf(cells: readonly string[], places: readonly number[]): string | undefined {
  const named = places.map((place) => withoutBlanks(cells[place] ?? ''));
  return named.every((name) => name === '') ? undefined : named.join('\n');
}
