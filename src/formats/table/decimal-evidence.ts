/** Decides from a whole file what its decimal mark is. */
import { decimalEvidence, readingsOf } from '../../domain/quantity-text.ts';
import type { DecimalMark } from '../../domain/reading-rules.ts';
import { quoted } from '../format.ts';
import type { Language } from '../language.ts';
import type { Column } from './columns.ts';
import type { TableRow } from './table.ts';

/** Spanish is spoken in countries with either mark; the other languages besides English have the comma. */
export function decimalOf(languages: readonly Language[]): DecimalMark | null {
  return languages.some((language) => language !== 'es') ? 'comma' : null;
}

/** A cell whose number has a different value with each mark. */
export interface AmbiguousNumber {
  readonly row: number;
  readonly header: string;
  readonly text: string;
}

/** What the numbers of a file say about its decimal mark. */
export interface DecimalFindings {
  /** The file's decimal mark; null if nothing decides it. */
  readonly decimal: DecimalMark | null;
  /** The first quantities that have a different value with each mark. */
  readonly ambiguous: readonly AmbiguousNumber[];
}

/** What is known of a table besides its cells. */
export interface TableLocale {
  /** The mark that is usual where the header's language is spoken; null if the language says nothing. */
  readonly headerDecimal: DecimalMark | null;
  /** Whether semicolons separate the cells, as programs do where the comma is the decimal mark. */
  readonly hasSemicolons: boolean;
}

/** The question about such numbers. @param rule what the answer begins with, such as `decimal=` */
export function ambiguousDecimals(
  ambiguous: readonly AmbiguousNumber[],
  rule = 'decimal=',
): string {
  const examples = ambiguous.map(({ row, header, text }) => {
    const [point, comma] = readingsOf(text);
    return `row ${row}, column ${quoted(header)}: ${quoted(text)} may be ${point} or ${comma}`;
  });
  return (
    `Some numbers can be read in two ways, and nothing else in the file decides it: ${examples.join('; ')}. ` +
    `Say ${rule}point if the point begins the fraction, or ${rule}comma if the comma does.`
  );
}

const EXAMPLES_MAX = 3;

/**
 * Collects evidence while rows are read. Quantities count first, then the numbers of other columns, then the
 * language of the header, then the separator; contradictory evidence decides nothing, and neither does a language
 * whose mark would leave a fraction of a unit.
 */
export class DecimalEvidence {
  readonly #quantityPlaces: ReadonlyMap<number, string>;
  readonly #identifierPlaces: ReadonlySet<number>;
  readonly #locale: TableLocale;
  readonly #inQuantities = new Set<DecimalMark>();
  readonly #elsewhere = new Set<DecimalMark>();
  readonly #ambiguous: AmbiguousNumber[] = [];
  /** Whether a quantity such as `1.234` is a whole number only with grouped thousands. */
  #isGroupedOnly = true;
  /** Whether a quantity such as `1,234` is a whole number only with a point as the mark. */
  #isAgainstComma = false;

  constructor(columns: readonly Column[], locale: TableLocale) {
    this.#quantityPlaces = new Map(
      columns.filter(isQuantity).map(({ place, header }) => [place, header]),
    );
    this.#identifierPlaces = new Set(
      columns.filter((column) => !isQuantity(column)).map(({ place }) => place),
    );
    this.#locale = locale;
  }

  add(row: TableRow): void {
    if ('fault' in row) return;
    for (const [place, cell] of row.cells.entries()) {
      if (cell.length > NUMBER_LENGTH_MAX || !/\d[.,]\d/.test(cell)) continue;
      // A workbook's number has a point, whatever the country.
      if (row.fractions?.includes(place) === true || this.#identifierPlaces.has(place)) continue;
      const evidence = decimalEvidence(cell);
      if (evidence === null) continue;
      const header = this.#quantityPlaces.get(place);
      if (evidence !== 'either')
        (header === undefined ? this.#elsewhere : this.#inQuantities).add(evidence);
      else if (header !== undefined)
        this.#addAmbiguous({ row: row.row, header, text: cell.trim() });
    }
  }

  #addAmbiguous(number: AmbiguousNumber): void {
    if (number.text.endsWith('000')) this.#isGroupedOnly = false;
    else if (number.text.includes(',')) this.#isAgainstComma = true;
    if (this.#ambiguous.length < EXAMPLES_MAX) this.#ambiguous.push(number);
  }

  get findings(): DecimalFindings {
    return { decimal: this.#decide(), ambiguous: this.#ambiguous };
  }

  #decide(): DecimalMark | null {
    for (const marks of [this.#inQuantities, this.#elsewhere]) {
      const [mark, other] = marks;
      if (mark !== undefined) return other === undefined ? mark : null;
    }
    const { headerDecimal, hasSemicolons } = this.#locale;
    if (headerDecimal === 'comma' && this.#isAgainstComma) return null;
    if (headerDecimal !== null) return headerDecimal;
    // Databases export 12.000 with semicolons too, so they decide only where a point leaves a fraction.
    return hasSemicolons && this.#ambiguous.length > 0 && this.#isGroupedOnly ? 'comma' : null;
  }
}

const NUMBER_LENGTH_MAX = 40;

function isQuantity({ target }: Column): boolean {
  return target.startsWith('quantity_');
}
