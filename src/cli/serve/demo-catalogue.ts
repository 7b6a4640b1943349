import { mod10CheckDigit, mod11CheckDigit } from '../../domain/gtin.ts';
import type { CatalogueEntry } from '../../domain/catalogue.ts';
import type { Product } from '../../domain/sku.ts';

/** The two SKUs of the sample request. */
const SAMPLE_SKUS: readonly CatalogueEntry[] = [
  {
    skuId: 'xkuOwSQ3utl',
    product: { title: 'Enamel kettle, 2 l, cream', upca: '012345678905' },
    inventory: { quantityInStock: 40 },
  },
  {
    skuId: '2mNh6Gvwgl7LjmZj',
    product: { title: 'Linen apron, navy', ean13: '4006381333931' },
    inventory: { quantityInStock: 7, quantityOnBackorder: 0 },
  },
];

const ARTICLES = [
  'Kettle',
  'Apron',
  'Teapot',
  'Cutting board',
  'Storage jar',
  'Desk lamp',
  'Notebook',
  'Wool blanket',
];
const COLOURS = ['cream', 'navy', 'moss', 'slate', 'ochre'];
const SIZES = ['S', 'M', 'L', 'XL'];
const BOOKS = 60;

/** A GS1 company prefix reserved for demonstrations, so that no GTIN is that of a real product. */
const DEMONSTRATION_PREFIX = '952';

/** The demo supplier's catalogue: a few hundred SKUs, including those of the sample request. */
export function demoCatalogue(): readonly CatalogueEntry[] {
  return [...SAMPLE_SKUS, ...housewares(), ...books()];
}

function* housewares(): Iterable<CatalogueEntry> {
  let number = 0;
  for (const article of ARTICLES) {
    for (const colour of COLOURS) {
      for (const size of SIZES) {
        number += 1;
        const [short] = article.toUpperCase().split(' ');
        yield {
          skuId: `${short}-${colour.slice(0, 3).toUpperCase()}-${size}`,
          product: {
            itemId: article,
            title: `${article}, ${colour}, ${size}`,
            condition: 'new',
            ...codesOf(number),
          },
          inventory: { quantityInStock: (number * 37) % 250, quantityOnBackorder: 0 },
        };
      }
    }
  }
}

/** Cycles through the forms of a GTIN: an EAN-13, a UPC-A, and the GTIN-14 of a case. */
function codesOf(number: number): Partial<Product> {
  const serial = String(number).padStart(4, '0');
  switch (number % 3) {
    case 0:
      return { ean13: withCheckDigit(`${DEMONSTRATION_PREFIX}11112${serial}`) };
    case 1:
      return { upca: withCheckDigit(`0${DEMONSTRATION_PREFIX}222${serial}`) };
    default:
      return { gtin14: withCheckDigit(`1${DEMONSTRATION_PREFIX}33333${serial}`) };
  }
}

function* books(): Iterable<CatalogueEntry> {
  for (let number = 1; number <= BOOKS; number += 1) {
    const body = `00000${String(number).padStart(4, '0')}`.slice(-9);
    const isbn = number % 2 === 0 ? body + mod11CheckDigit(body) : withCheckDigit(`978${body}`);
    yield {
      skuId: `BOOK-${String(number).padStart(3, '0')}`,
      product: { title: `Demonstration reader, volume ${number}`, condition: 'new', isbn },
      inventory: { quantityInStock: number % 9 },
    };
  }
}

function withCheckDigit(body: string): string {
  return body + mod10CheckDigit(`${body}0`);
}
