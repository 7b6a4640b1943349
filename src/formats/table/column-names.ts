import type { ColumnTarget } from '../../domain/file-columns.ts';
import type { InLanguages } from '../language.ts';

/** Names of a column that mean the same. */
export interface ColumnNames {
  /** What they mean, where a column has names of several meanings. */
  readonly meaning?: string;
  /**
   * A weak name counts only if no other column identifies the SKU, and an unclear one is read as the status if
   * another column has the quantity.
   */
  readonly strength?: 'weak' | 'unclear';
  readonly names: InLanguages;
}

/**
 * Other names of columns, as people write them; `normalizedHeader` says what does not matter. If a file has
 * columns of several meanings, the first in the list counts. Product columns such as `title` have no other
 * names, since no guess may make a file a catalogue.
 */
export const COLUMN_NAMES: Readonly<Partial<Record<ColumnTarget, readonly ColumnNames[]>>> = {
  sku_id: [
    {
      meaning: "the supplier's own number",
      names: {
        en: 'SKU, SKU code, SKU number, SKU no, item SKU, product SKU, variant SKU, custom label (SKU), custom label, vendor SKU, vendor item number, vendor item no, vendor part number, supplier SKU, supplier item number, supplier part number, seller SKU',
        de: 'Lieferantenartikelnummer, Artikelnummer Lieferant',
        fr: 'référence fournisseur',
        es: 'referencia proveedor, referencia del proveedor',
        it: 'codice fornitore, codice articolo fornitore',
        nl: 'artikelnummer leverancier, leveranciersartikelnummer',
        pt: 'referência do fornecedor',
        sv: 'leverantörens artikelnummer',
        da: 'leverandørens varenummer',
      },
    },
    {
      meaning: 'a number of the item',
      names: {
        en: 'item number, item no, item code, item reference, part number, part no, product code, product number, product no, product reference, stock code, stock number, inventory number, article number, article no, article code, catalogue number, catalog number, model number, material number, internal reference, reference, custom SKU, merchant SKU, product code/SKU, default code',
        de: 'Artikelnummer, Artikel-Nr., Artikelnr., Art.-Nr., Artikelcode, Bestellnummer, Produktnummer, Materialnummer',
        fr: 'référence, réf., référence article, référence produit, code article, code produit, numéro d’article',
        es: 'referencia, ref., código, código de artículo, código artículo, código de producto, código producto, número de artículo',
        it: 'codice articolo, cod. articolo, cod. art., codice prodotto, codice, riferimento',
        nl: 'artikelnummer, artikelnr., artikelcode, productcode, productnummer, bestelnummer',
        pl: 'indeks, indeks towaru, symbol, kod produktu, kod towaru, numer artykułu, numer katalogowy',
        pt: 'referência, código, código do produto, código do artigo, código do item',
        sv: 'artikelnummer, artikelnr., art.nr., produktnummer, produktkod',
        da: 'varenummer, varenr., artikelnummer, produktnummer, produktkode',
      },
    },
    {
      meaning: 'a name that may mean something else',
      strength: 'weak',
      names: {
        en: 'ID, item, code, part, article, material, model, product ID',
        de: 'Artikel',
        fr: 'article',
        es: 'artículo',
        it: 'articolo',
        nl: 'artikel',
        pl: 'artykuł, towar',
        pt: 'artigo',
        sv: 'artikel',
        da: 'vare',
      },
    },
  ],
  upca: [{ names: { en: 'UPC, UPC code, UPC number, UPC 12, GTIN 12, P:UPC' } }],
  ean13: [
    {
      names: {
        en: 'EAN, EAN code, EAN number, EAN 8, GTIN 13, P:EAN',
        de: 'EAN-Nummer, EAN-Nr.',
        fr: 'code EAN',
        es: 'código EAN',
        it: 'codice EAN',
        nl: 'EAN-nummer',
        pl: 'kod EAN',
        pt: 'código EAN',
        sv: 'EAN-kod',
        da: 'EAN-kode, EAN-nr.',
      },
    },
  ],
  gtin14: [{ names: { en: 'ITF 14, GTIN 14 code' } }],
  isbn: [{ names: { en: 'ISBN 10, ISBN 13, ISBN number' } }],
  gtin: [
    {
      names: {
        en: 'barcode, barcode number, variant barcode, product barcode, GTIN code, GTIN number, UPC/EAN, EAN/UPC, product UPC/EAN, GTIN/UPC/EAN, UPC/EAN/ISBN, GTIN UPC EAN or ISBN, barcode (ISBN UPC GTIN etc.)',
        de: 'Strichcode',
        fr: 'code-barres, code barre',
        es: 'código de barras',
        it: 'codice a barre',
        nl: 'streepjescode',
        pl: 'kod kreskowy',
        pt: 'código de barras',
        sv: 'streckkod',
        da: 'stregkode',
      },
    },
  ],
  quantity_in_stock: [
    { meaning: 'available, as the sender sets it', names: { en: 'available (new)' } },
    {
      meaning: 'on hand, as the sender sets it',
      names: { en: 'on hand (new), new quantity, new stock level' },
    },
    {
      meaning: 'available to sell',
      names: {
        en: 'available, available quantity, available qty, quantity available, qty available, qty avail, available to sell, ATS, available stock, available inventory, free stock, free stock quantity, free quantity, free to use quantity, sellable quantity, saleable quantity, fulfillable quantity, AFN fulfillable quantity, MFN fulfillable quantity',
        de: 'verfügbar, verfügbare Menge, verfügbarer Bestand, freier Bestand, frei verfügbar, frei verwendbar',
        fr: 'disponible, quantité disponible, stock disponible',
        es: 'disponible, cantidad disponible, stock disponible, existencias disponibles',
        it: 'disponibile, disponibilità, quantità disponibile, giacenza disponibile',
        nl: 'beschikbaar, beschikbare voorraad, beschikbaar aantal, vrije voorraad',
        pl: 'dostępne, dostępna ilość, ilość dostępna, stan dostępny',
        pt: 'disponível, quantidade disponível, estoque disponível, stock disponível',
        sv: 'tillgängligt, tillgängligt antal, disponibelt, disponibelt saldo',
        da: 'tilgængeligt, tilgængeligt antal, disponibel, disponibel beholdning',
      },
    },
    {
      meaning: 'the quantity',
      names: {
        en: 'quantity, qty, stock, stock level, current stock, current stock level, stock quantity, stock qty, variant inventory quantity, variant inventory qty, inventory, inventory quantity, inventory qty, inventory level, inventory count, stock count, current quantity',
        de: 'Bestand, Menge, Anzahl, Stückzahl, Bestandsmenge, Warenbestand',
        fr: 'quantité, qté, stock, quantité en stock, qté en stock, stock actuel',
        es: 'cantidad, cant., stock, existencias, existencia, stock actual',
        it: 'quantità, q.tà, giacenza, giacenze, scorta, stock',
        nl: 'aantal, voorraad, hoeveelheid, actuele voorraad',
        pl: 'ilość, stan, liczba sztuk, zapas',
        pt: 'quantidade, qtd., qtde., estoque, stock, estoque atual',
        sv: 'antal, saldo, lagersaldo, kvantitet',
        da: 'antal, beholdning, mængde',
      },
    },
    {
      meaning: 'on hand',
      names: {
        en: 'on hand, quantity on hand, qty on hand, on hand quantity, on hand qty, on hand inventory, stock on hand, QOH, SOH, qty in stock, in stock quantity, in stock qty, actual quantity, actual qty, physical stock, total quantity, total stock',
        de: 'Lagerbestand, Lagermenge, physischer Bestand, Istbestand, Gesamtbestand',
        fr: 'stock physique, stock réel, stock total',
        es: 'stock físico, stock real, stock total',
        it: 'giacenza fisica, giacenza di magazzino, esistenza',
        nl: 'fysieke voorraad, totale voorraad',
        pl: 'stan magazynowy, stan fizyczny',
        pt: 'estoque físico, estoque total',
        sv: 'lagerantal, fysiskt lager',
        da: 'lagerbeholdning, lagerantal, fysisk beholdning',
      },
    },
    {
      meaning: 'in stock: a quantity, or yes and no',
      strength: 'unclear',
      names: {
        en: 'in stock',
        de: 'auf Lager, vorrätig',
        fr: 'en stock',
        es: 'en stock, en existencia',
        it: 'in magazzino',
        nl: 'op voorraad',
        pl: 'na stanie, w magazynie',
        pt: 'em estoque, em stock',
        sv: 'i lager',
        da: 'på lager',
      },
    },
  ],
  quantity_on_backorder: [
    {
      meaning: 'on backorder',
      names: {
        en: 'backorder, backorders, backordered, back ordered, on backorder, qty on backorder, backorder quantity, backorder qty, quantity backordered, quantity back ordered, qty backordered',
        de: 'Rückstand, im Rückstand, Rückstandsmenge',
        fr: 'reliquat, quantité en reliquat',
        es: 'cantidad pendiente',
        it: 'arretrato, in arretrato',
        nl: 'in backorder, nalevering',
        pl: 'zaległe',
        pt: 'quantidade pendente',
        sv: 'restnoterat, restorder',
        da: 'restordre, i restordre',
      },
    },
    {
      meaning: 'on order',
      names: {
        en: 'on order, quantity on order, qty on order, on order quantity, on order qty, on purchase order, next available quantity, next available qty',
        de: 'in Bestellung, im Zulauf',
        fr: 'en commande, quantité en commande',
        es: 'en pedido',
        it: 'in ordine, quantità in ordine',
        nl: 'in bestelling',
        pl: 'w zamówieniu',
        pt: 'em encomenda',
        sv: 'i beställning',
        da: 'i bestilling',
      },
    },
  ],
  backorder_date: [
    {
      names: {
        en: 'backorder available date, expected date, expected on, expected arrival, expected availability date, estimated availability date, ETA, ETA date, available date, availability date, date available, available on, available from, next available date, next availability date, item next availability date, restock date, next restock date, in stock date, back in stock date, due in, due date',
        de: 'verfügbar ab, wieder verfügbar ab, lieferbar ab, wieder lieferbar ab, Liefertermin, nächster Liefertermin, nächster Wareneingang',
        fr: 'date de disponibilité, disponible le, disponible à partir du, date de réapprovisionnement, date de réassort',
        es: 'fecha de disponibilidad, disponible desde, disponible a partir de, fecha de reposición, próxima llegada',
        it: 'data disponibilità, data di disponibilità, disponibile dal, data riassortimento, prossimo arrivo',
        nl: 'beschikbaar vanaf, leverbaar vanaf, beschikbaarheidsdatum, verwachte leverdatum, verwacht op',
        pl: 'dostępne od, dostępny od, data dostępności, przewidywana dostawa',
        pt: 'data de disponibilidade, disponível a partir de, data de reposição, previsão de chegada',
        sv: 'tillgänglig från, åter i lager, förväntat leveransdatum, nästa leverans',
        da: 'tilgængelig fra, på lager igen, forventet på lager, forventet leveringsdato',
      },
    },
  ],
  restrictions: [{ names: { en: 'restriction, restriction code' } }],
  status: [
    {
      names: {
        en: 'availability, stock status, availability status, inventory status, product status, item status, product availability, item availability, is in stock, in stock?, stock availability',
        de: 'Verfügbarkeit, Verfügbarkeitsstatus, Lagerstatus, Bestandsstatus, Artikelstatus',
        fr: 'statut, disponibilité, statut du stock, état du stock',
        es: 'estado, disponibilidad, estado de stock, estado del stock',
        it: 'stato, stato disponibilità, stato magazzino',
        nl: 'beschikbaarheid, voorraadstatus, artikelstatus',
        pl: 'dostępność, status dostępności',
        pt: 'situação, disponibilidade, estado, status do estoque',
        sv: 'tillgänglighet, lagerstatus',
        da: 'tilgængelighed, lagerstatus',
      },
    },
  ],
  discontinued: [
    {
      names: {
        en: 'is discontinued, discontinued?, discontinued flag, obsolete',
        de: 'eingestellt, ausgelaufen',
        fr: 'abandonné, arrêté',
        es: 'descatalogado, discontinuado',
        it: 'fuori produzione, dismesso',
        nl: 'uit assortiment, vervallen',
        pl: 'wycofany',
        pt: 'descontinuado',
        sv: 'utgått, utgången',
        da: 'udgået',
      },
    },
  ],
  hidden: [
    {
      names: {
        en: 'is hidden, hidden?, blocked, disabled, inactive',
        de: 'versteckt, ausgeblendet, gesperrt',
        fr: 'masqué, caché',
        es: 'oculto',
        it: 'nascosto',
        nl: 'verborgen, geblokkeerd',
        pl: 'ukryty',
        pt: 'oculto',
        sv: 'dold',
        da: 'skjult',
      },
    },
  ],
  out_of_stock: [
    {
      names: {
        en: 'is out of stock, out of stock?, sold out, is sold out',
        de: 'ausverkauft',
        fr: 'rupture, rupture de stock, en rupture',
        es: 'agotado',
        it: 'esaurito',
        nl: 'uitverkocht',
        pl: 'wyprzedany',
        pt: 'esgotado',
        sv: 'slutsåld',
        da: 'udsolgt',
      },
    },
  ],
  published: [
    {
      names: {
        en: 'is published, published?, active, is active, active?, active (0/1), enabled, is enabled, enabled?, visible, is visible, product visible?, purchasable',
        de: 'veröffentlicht, aktiv, sichtbar',
        fr: 'publié, actif, visible',
        es: 'publicado, activo, visible',
        it: 'pubblicato, attivo, visibile',
        nl: 'gepubliceerd, actief, zichtbaar',
        pl: 'opublikowany, aktywny, widoczny',
        pt: 'publicado, ativo, visível',
        sv: 'publicerad, aktiv, synlig',
        da: 'aktiv, synlig',
      },
    },
  ],
};
