/** Looks at a whole file before it is applied, and asks where it can be read in more than one way. */
import { OnhandError } from '../domain/errors.ts';
import type { FileQuestion } from '../domain/files.ts';
import type { LineDraft } from '../domain/lines.ts';
import type { DecimalMark, ReadingRules } from '../domain/reading-rules.ts';
import { quoted, type FileRow, type RowUnit } from '../formats/format.ts';
import type { InventoryFile } from '../formats/stock-file.ts';
import { ambiguousDecimals, type AmbiguousNumber } from '../formats/table/decimal-evidence.ts';
import { SkuQuantities } from './sku-quantities.ts';

export type NamedSku = Pick<LineDraft, 'skuId' | 'gtins' | 'alternatives'>;

/** The uuids of SKUs; null for a name of none, or of several. */
export type Identify = (names: readonly NamedSku[]) => Promise<readonly (string | null)[]>;

/** How a file is inspected. */
export interface InspectionTerms {
  readonly rules: ReadingRules;
  /** SKUs that are remembered to find those with several rows. */
  readonly skusMax: number;
  /** Opens the file again, to be read by these rules. */
  readonly open: (rules: ReadingRules) => Promise<InventoryFile>;
  /** Looks up the SKUs that rows name, by uuid. Without it, a row by `sku_id` and one by GTIN are not compared. */
  readonly identify?: Identify;
  /** Passes rows on, counts them as progress, and stops if the task is to stop. */
  readonly follow: (rows: InventoryFile['rows']) => AsyncIterable<readonly FileRow[]>;
}

/** What an inspection decided. */
export interface Inspection {
  /** The decimal mark that the file's numbers need and show; null if they need none. */
  readonly decimal: DecimalMark | null;
  /** What is left to ask. */
  readonly questions: readonly FileQuestion[];
  /** The quantities of each SKU. */
  readonly quantities: SkuQuantities;
}

/**
 * Reads the whole file, and a second time if its numbers have to be read by the mark found first. Rejects with
 * `too_many_lines` or `parameter_invalid` if rows are to be added up and some could be left out of a total.
 */
export async function inspect(terms: InspectionTerms): Promise<Inspection> {
  const { rules } = terms;
  const first = await read(terms, rules);
  if (rules.locations === 'sum') checkSummable(first, terms.skusMax);
  const { decimal = null, ambiguous = [] } = first.decimals ?? {};
  if (rules.decimal !== null || ambiguous.length === 0)
    return withDuplicates(terms, rules, first, null);
  if (decimal === null)
    return {
      ...first,
      decimal,
      questions: [decimalQuestion(ambiguous), ...duplicateQuestions(terms, first)],
    };
  const chosen = { ...rules, decimal };
  return withDuplicates(terms, chosen, await read(terms, chosen), decimal);
}

type ReadQuantities = Awaited<ReturnType<typeof read>>;

/** Asks about SKUs with several rows. Where rows name their SKUs in two ways, all are looked up first. */
async function withDuplicates(
  terms: InspectionTerms,
  rules: ReadingRules,
  found: ReadQuantities,
  decimal: DecimalMark | null,
): Promise<Inspection> {
  const { mixedNames, hasAlternatives } = found.quantities;
  const isMixed = rules.locations === null && mixedNames !== undefined;
  const isUnclear = isMixed || (rules.locations === null && hasAlternatives);
  const known =
    isUnclear && terms.identify !== undefined ? await read(terms, rules, terms.identify) : found;
  return { ...known, decimal, questions: duplicateQuestions(terms, known, isMixed) };
}

async function read(
  { open, follow, skusMax }: InspectionTerms,
  rules: ReadingRules,
  identify?: Identify,
) {
  const file = await open(rules);
  try {
    const quantities = new SkuQuantities(skusMax);
    try {
      for await (const rows of follow(file.rows)) {
        const uuids = await identify?.(rows.map(({ line }) => nameIn(line)));
        for (const [i, row] of rows.entries()) quantities.add(row, uuids?.[i]);
      }
    } catch (error) {
      // A file that breaks off is reported when its rows are applied.
      if (!(error instanceof OnhandError)) throw error;
    }
    return { quantities, decimals: file.decimals(), unit: file.rowUnit };
  } finally {
    await file.close();
  }
}

function nameIn({ skuId, gtins, alternatives }: LineDraft): NamedSku {
  return { skuId, gtins, ...(alternatives !== undefined && { alternatives }) };
}

/** Asks which mark begins the fraction. */
export function decimalQuestion(ambiguous: readonly AmbiguousNumber[]): FileQuestion {
  return {
    code: 'ambiguous_decimal',
    rule: 'decimal',
    detail: ambiguousDecimals(ambiguous),
    answers: ['point', 'comma'],
  };
}

function duplicateQuestions(
  { rules, skusMax }: InspectionTerms,
  { quantities, unit }: Pick<ReadQuantities, 'quantities' | 'unit'>,
  isMixed = false,
): readonly FileQuestion[] {
  if (rules.locations !== null) return [];
  const { count, examples, hasEqualParts } = quantities.duplicates;
  if (count === 0 && !quantities.isFull) return [];
  const cannotSum = quantities.isFull || isMixed;
  const shown = examples.map(
    ({ name, field, rows, quantities: [first, later] }) =>
      `${quoted(name)} has ${first ?? 'NULL'}${field === 'in stock' ? '' : ` ${field}`} in ${unit} ${rows[0]} and ${later ?? 'NULL'} in ${unit} ${rows[1]}`,
  );
  const found =
    count === 0
      ? `The file names more than ${skusMax} SKUs, too many to find those with several rows.`
      : `${count} SKU${count === 1 ? ' has' : 's have'} several rows with different quantities${hasEqualParts ? ' or locations' : ''}: ${shown.join('; ')}.`;
  return [
    {
      code: 'duplicate_skus',
      rule: 'locations',
      detail: cannotSum
        ? `${found} Say locations=last if the last row of each SKU counts. ${quantities.isFull ? HOW_TO_SUM : `To add rows up, give the sku_id in every ${unit}, or in none.`}`
        : `${found} Say locations=sum if they are to be added up, such as rows of several warehouses, or locations=last if the last row counts.`,
      answers: cannotSum ? ['last'] : ['sum', 'last'],
    },
  ];
}

const HOW_TO_SUM =
  'To add rows up, send files with fewer SKUs, all rows of one SKU in one file, or have ONHAND_INSPECTED_SKUS_MAX raised.';

/** What the sender should know: rows that may be of one SKU and cannot be compared. */
export function mixedNamesNote(quantities: SkuQuantities, unit: RowUnit): string | undefined {
  const mixed = quantities.mixedNames;
  if (mixed === undefined) return undefined;
  return `Some rows name their SKU by sku_id (first ${unit} ${mixed.bySkuId}), others only by a GTIN (first ${unit} ${mixed.byGtin}). If rows of both kinds are of one SKU, the last one counts. To have such rows found, give the sku_id in every row.`;
}

function checkSummable(
  { quantities, unit }: { readonly quantities: SkuQuantities; readonly unit: RowUnit },
  skusMax: number,
): void {
  if (quantities.isFull) throw tooManyToSum(skusMax);
  const mixed = quantities.mixedNames;
  if (mixed === undefined) return;
  throw new OnhandError(
    'parameter_invalid',
    `The rows of a SKU can only be added up, as locations=sum asks, if all name it alike: ${unit} ${mixed.bySkuId} names its SKU by sku_id, and ${unit} ${mixed.byGtin} only by a GTIN. Give the sku_id in every ${unit}, or in none. Nothing was applied.`,
  );
}

function tooManyToSum(skusMax: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `The file names more than ${skusMax} SKUs, too many to add up their rows, as locations=sum asks. ${HOW_TO_SUM} Nothing was applied.`,
  );
}
