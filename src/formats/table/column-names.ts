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
        en: 'SKU, SKU code, SKU number, SKU no, item SKU, product SKU, variant SKU, custom label (SKU), custom label, vendor SKU, vendor item number, vendor item no, vendor part number, supplier SKU, supplier item number, supplier part number, seller SKU, SKU/item, vendor product code, supplier product code, our SKU, our item number, stock keeping unit, offer SKU, shop SKU, offer ID, ID offer, seller article number, seller item number, partner SKU',
        de: 'Lieferantenartikelnummer, Artikelnummer Lieferant, Lief.-Art.-Nr., Lieferanten-Artikelnr.',
        fr: 'référence fournisseur, réf. fournisseur, référence vendeur, réf. vendeur, SKU vendeur',
        es: 'referencia proveedor, referencia del proveedor, ref. proveedor, SKU proveedor',
        it: 'codice fornitore, codice articolo fornitore, rif. fornitore',
        nl: 'artikelnummer leverancier, leveranciersartikelnummer, artikelcode leverancier',
        pl: 'sygnatura, SKU sprzedającego, sygnatura/SKU sprzedającego',
        pt: 'referência do fornecedor',
        sv: 'leverantörens artikelnummer, lev. art.nr.',
        da: 'leverandørens varenummer, lev. varenr.',
      },
    },
    {
      meaning: 'a number of the item',
      names: {
        en: 'item number, item no, item code, item reference, part number, part no, product code, product number, product no, product reference, stock code, stock number, inventory number, article number, article no, article code, catalogue number, catalog number, model number, material number, internal reference, reference, custom SKU, merchant SKU, product code/SKU, default code, prod. code, stock item number, inventory ID, variant number, variant no',
        de: 'Artikelnummer, Artikel-Nr., Artikelnr., Art.-Nr., Artikelcode, Bestellnummer, Produktnummer, Materialnummer, Artikel-ID, Bestell-Nr., Best.-Nr., Produktcode, Produkt-Nr., Sachnummer, Variantennummer, Varianten-Nr.',
        fr: 'référence, réf., référence article, référence produit, code article, code produit, numéro d’article, réf. article, réf. produit, num. article',
        es: 'referencia, ref., código, código de artículo, código artículo, código de producto, código producto, número de artículo, cód. artículo, cód. producto, ref. artículo',
        it: 'codice articolo, cod. articolo, cod. art., codice prodotto, codice, riferimento, cod. prodotto, rif., num. articolo',
        nl: 'artikelnummer, artikelnr., artikelcode, productcode, productnummer, bestelnummer, art.nr., artikel-ID, bestelnr., referentie',
        pl: 'indeks, indeks towaru, symbol, kod produktu, kod towaru, numer artykułu, numer katalogowy, kod artykułu, nr artykułu, nr katalogowy, nr kat., symbol towaru',
        pt: 'referência, código, código do produto, código do artigo, código do item, cód. produto, cód. do produto, cód. artigo, ref.',
        sv: 'artikelnummer, artikelnr., art.nr., produktnummer, produktkod, artikelkod',
        da: 'varenummer, varenr., artikelnummer, produktnummer, produktkode, vare-nr., produktnr.',
      },
    },
    {
      meaning: 'a name that may mean something else',
      strength: 'weak',
      names: {
        en: 'ID, item, code, part, article, material, model, product ID',
        de: 'Artikel',
        fr: 'article',
        es: 'artículo, cód.',
        it: 'articolo',
        nl: 'artikel',
        pl: 'artykuł, towar, kod',
        pt: 'artigo',
        sv: 'artikel',
        da: 'vare',
      },
    },
    {
      meaning: 'a name that more likely means something else',
      strength: 'weak',
      names: {
        en: 'style number, reference number, part ID, stock ID',
        es: 'código proveedor, código del proveedor',
        it: 'cod. fornitore',
        pl: 'kod dostawcy, symbol dostawcy',
        pt: 'código do fornecedor, cód. fornecedor',
      },
    },
  ],
  upca: [
    {
      names: {
        en: 'UPC, UPC code, UPC number, UPC 12, GTIN 12, P:UPC, UPC barcode, barcode (UPC), UPC/barcode',
      },
    },
  ],
  ean13: [
    {
      names: {
        en: 'EAN, EAN code, EAN number, EAN 8, GTIN 13, P:EAN, EAN barcode, barcode (EAN), EAN/barcode, JAN, JAN code',
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
        en: 'barcode, barcode number, variant barcode, product barcode, GTIN code, GTIN number, UPC/EAN, EAN/UPC, product UPC/EAN, GTIN/UPC/EAN, UPC/EAN/ISBN, GTIN UPC EAN or ISBN, barcode (ISBN UPC GTIN etc.), EAN/GTIN, GTIN/EAN, EAN/ISBN, ISBN/EAN',
        de: 'Strichcode, EAN/GTIN-Code, GTIN UPC EAN oder ISBN',
        fr: 'code-barres, code barre, code-barres EAN, GTIN UPC EAN ou ISBN',
        es: 'código de barras, GTIN UPC EAN o ISBN',
        it: 'codice a barre',
        nl: 'streepjescode, GTIN UPC EAN of ISBN',
        pl: 'kod kreskowy, GTIN UPC EAN lub ISBN',
        pt: 'código de barras',
        sv: 'streckkod, GTIN UPC EAN eller ISBN',
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
        en: 'available, available quantity, available qty, quantity available, qty available, qty avail, available to sell, ATS, available stock, available inventory, free stock, free stock quantity, free quantity, free to use quantity, sellable quantity, saleable quantity, fulfillable quantity, AFN fulfillable quantity, MFN fulfillable quantity, available for sale, available units, units available, quantity available to sell, stock available, inventory available, total available, net available, avail., avail. qty, avail. quantity, available to promise, qty available to promise, ATP, salable quantity, salable qty, unrestricted, unrestricted stock, unrestricted-use stock, uncommitted, unallocated, available to sell units, available physical',
        de: 'verfügbar, verfügbare Menge, verfügbarer Bestand, freier Bestand, frei verfügbar, frei verwendbar, verfügbarer Lagerbestand, Menge verfügbar, Bestand verfügbar, freie Menge, verf. Bestand, verf. Menge, verfügb. Bestand, verfügb. Menge, Nettobestand, Bestand netto',
        fr: 'disponible, quantité disponible, stock disponible, qté disponible, qté dispo, quantité dispo, stock dispo, dispo',
        es: 'disponible, cantidad disponible, stock disponible, existencias disponibles, cant. disponible, stock disp., inventario disponible, unidades disponibles',
        it: 'disponibile, disponibilità, quantità disponibile, giacenza disponibile, q.tà disponibile, q.tà disp., disp.',
        nl: 'beschikbaar, beschikbare voorraad, beschikbaar aantal, vrije voorraad, beschikb.',
        pl: 'dostępne, dostępna ilość, ilość dostępna, stan dostępny, ilość dost.',
        pt: 'disponível, quantidade disponível, estoque disponível, stock disponível, qtd. disponível, qtde. disponível, saldo disponível',
        sv: 'tillgängligt, tillgängligt antal, disponibelt, disponibelt saldo, disp. saldo, disponibelt antal, disponibelt lager',
        da: 'tilgængeligt, tilgængeligt antal, disponibel, disponibel beholdning, disp. beholdning, disponibelt antal',
      },
    },
    {
      meaning: 'the quantity',
      names: {
        en: 'quantity, qty, stock, stock level, current stock, current stock level, stock quantity, stock qty, variant inventory quantity, variant inventory qty, inventory, inventory quantity, inventory qty, inventory level, inventory count, stock count, current quantity, inv. qty, stk. qty, current inventory, qty EA, quantity EA, stock now, quantity now',
        de: 'Bestand, Menge, Anzahl, Stückzahl, Bestandsmenge, Warenbestand, aktueller Bestand, akt. Bestand, Bestand aktuell',
        fr: 'quantité, qté, stock, quantité en stock, qté en stock, stock actuel, qté stock, quantité stock',
        es: 'cantidad, cant., stock, existencias, existencia, stock actual, inventario, cantidad en stock, cant. stock',
        it: 'quantità, q.tà, giacenza, giacenze, scorta, stock, giac., q.tà in stock, quantità in stock',
        nl: 'aantal, voorraad, hoeveelheid, actuele voorraad, voorraad aantal, vrd., aantal op voorraad, huidige voorraad',
        pl: 'ilość, stan, liczba sztuk, zapas, ilość szt., ilość sztuk, stan mag., ilość na stanie',
        pt: 'quantidade, qtd., qtde., estoque, stock, estoque atual, existências, quant., qtd. estoque, qtd. em estoque, saldo, saldo em estoque, stock atual',
        sv: 'antal, saldo, lagersaldo, kvantitet, antal i lager',
        da: 'antal, beholdning, mængde, antal på lager',
      },
    },
    {
      meaning: 'on hand',
      names: {
        en: 'on hand, quantity on hand, qty on hand, on hand quantity, on hand qty, on hand inventory, stock on hand, QOH, SOH, qty in stock, in stock quantity, in stock qty, actual quantity, actual qty, physical stock, total quantity, total stock, on-hand units, inventory on hand, current on hand, qty O/H, O/H, O/H qty, stock on hand qty, physical qty, physical quantity, total qty, total on hand, total inventory, stock total, total units on hand, physical inventory',
        de: 'Lagerbestand, Lagermenge, physischer Bestand, Istbestand, Gesamtbestand, Bestand gesamt, Lagerbest., Gesamtmenge, Lagerbestand gesamt, Bestand physisch',
        fr: 'stock physique, stock réel, stock total',
        es: 'stock físico, stock real, stock total',
        it: 'giacenza fisica, giacenza di magazzino, esistenza',
        nl: 'fysieke voorraad, totale voorraad',
        pl: 'stan magazynowy, stan fizyczny, stan magazynu',
        pt: 'estoque físico, estoque total',
        sv: 'lagerantal, fysiskt lager, totalt lager',
        da: 'lagerbeholdning, lagerantal, fysisk beholdning',
      },
    },
    {
      meaning: 'a count, in a column that may mean something else',
      names: {
        en: 'units, count, stk., balance, stock balance, closing stock',
        de: 'Stück, Lager',
        fr: 'nb',
        es: 'unidades, uds.',
        it: 'pezzi, magazzino',
        pl: 'szt.',
        da: 'lager',
      },
    },
    { meaning: 'available at a location', names: { en: 'location available' } },
    { meaning: 'on hand at a location', names: { en: 'location on hand' } },
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
        en: 'backorder, backorders, backordered, back ordered, on backorder, qty on backorder, backorder quantity, backorder qty, quantity backordered, quantity back ordered, qty backordered, location back ordered',
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
        en: 'on order, quantity on order, qty on order, on order quantity, on order qty, on purchase order, next available quantity, next available qty, on PO, qty on PO, quantity on PO, next shipment quantity, next shipment qty, location on order',
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
      meaning: 'available again',
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
    {
      meaning: 'the next delivery',
      names: {
        en: 'next delivery, next delivery date, next deliv., next shipment date, product available date, restocking date, replenishment date',
      },
    },
  ],
  restrictions: [{ names: { en: 'restriction, restriction code' } }],
  status: [
    {
      names: {
        en: 'availability, stock status, availability status, inventory status, product status, item status, product availability, item availability, is in stock, in stock?, stock availability, lifecycle status, lifecycle, life cycle status, product lifecycle, item lifecycle, listing status',
        de: 'vorrätig?, lagernd?, auf Lager?, Verfügbarkeit, Verfügbarkeitsstatus, Lagerstatus, Bestandsstatus, Artikelstatus',
        fr: 'en stock ?, statut, disponibilité, statut du stock, état du stock',
        es: '¿existencias?, ¿en stock?, estado, disponibilidad, estado de stock, estado del stock',
        it: 'stato, stato disponibilità, stato magazzino',
        nl: 'op voorraad?, beschikbaarheid, voorraadstatus, artikelstatus',
        pl: 'na stanie?, dostępność, status dostępności',
        pt: 'em estoque?, situação, disponibilidade, estado, status do estoque',
        sv: 'i lager?, tillgänglighet, lagerstatus',
        da: 'på lager?, tilgængelighed, lagerstatus',
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
        en: 'is published, published?, active, is active, active?, active (0/1), enabled, is enabled, enabled?, visible, is visible, product visible?, purchasable, publish status, published status, available for order, available for purchase, for sale, is for sale, for sale?, listed, is listed, online',
        de: 'veröffentlicht, aktiv, sichtbar, zum Verkauf',
        fr: 'publié, actif, visible, en vente, en ligne',
        es: 'publicado, activo, visible, a la venta',
        it: 'pubblicato, attivo, visibile, in vendita',
        nl: 'gepubliceerd, actief, zichtbaar, te koop',
        pl: 'opublikowany, aktywny, widoczny, w sprzedaży',
        pt: 'publicado, ativo, visível, à venda',
        sv: 'publicerad, aktiv, synlig, till salu',
        da: 'aktiv, synlig, til salg',
      },
    },
  ],
  unit: [
    {
      names: {
        en: 'UOM, U/M, UM, unit of measure, unit of measurement, units of measure, stock UOM, quantity UOM, qty UOM, base unit of measure, base unit, BUn, unit type',
        de: 'Einheit, Mengeneinheit, Basismengeneinheit, Lagereinheit, ME',
        fr: 'unité, unité de mesure',
        es: 'unidad, unidad de medida, UdM',
        it: 'unità, unità di misura',
        nl: 'eenheid',
        pl: 'jednostka, jednostka miary, j.m.',
        pt: 'unidade, unidade de medida',
        sv: 'enhet',
        da: 'enhed',
      },
    },
  ],
};
