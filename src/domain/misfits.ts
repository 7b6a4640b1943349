/** Which identifiers of a line do not fit: GTINs that the SKU with the line's `sku_id` does not have. */
import { NOT_FOUND, type DecidedLines } from './batch-decision.ts';
import { readGtin, GTIN_FORMS } from './gtin.ts';
import { gtinsOfLine, LinesBuilder, type Lines } from './lines.ts';
import { isPause, type Steps } from './steps.ts';

/** Lines that ask which identifiers fit: for each line in question one with its `sku_id`, and one more per GTIN. */
export interface MisfitQuestions {
  readonly lines: Lines;
  /** Per line of `lines`: the line in question, and the GTIN or null for the `sku_id` alone. */
  readonly about: readonly { readonly line: number; readonly gtin: number | null }[];
}

/** What to look up about the lines that match no SKU, or only by their `sku_id`; undefined if there are none. */
export function misfitQuestions(
  lines: Lines,
  { statuses, details }: DecidedLines,
): MisfitQuestions | undefined {
  const inQuestion: number[] = [];
  for (const [i, status] of statuses.entries()) {
    const isUnclear = status === NOT_FOUND || details.get(i)?.kind === 'misfit';
    if (isUnclear && lines.skuIds[i] !== null && gtinsOfLine(lines, i).length > 0)
      inQuestion.push(i);
  }
  if (inQuestion.length === 0) return undefined;
  const about = inQuestion.flatMap((line) => [
    { line, gtin: null },
    ...Array.from(gtinsOfLine(lines, line), (gtin) => ({ line, gtin })),
  ]);
  const builder = new LinesBuilder(about.length);
  for (const { line, gtin } of about) {
    const skuId = lines.skuIds[line] ?? null;
    const alternatives = lines.alternatives?.get(line);
    builder.add({ skuId, alternatives, gtins: gtin === null ? [] : [gtin], fields: {} });
  }
  return { lines: builder.build(), about };
}

/** Records the misfits, with pauses. `matches` says whether a line of the questions matches a SKU. */
export function* recordingMisfits(
  { about }: MisfitQuestions,
  matches: (question: number) => boolean,
  details: DecidedLines['details'],
): Steps<void> {
  const known = new Set<number>();
  const misfits = new Map<number, number[]>();
  for (const [question, { line, gtin }] of about.entries()) {
    const isMatch = matches(question);
    if (gtin === null && isMatch) known.add(line);
    if (gtin !== null && !isMatch) misfits.set(line, [...(misfits.get(line) ?? []), gtin]);
    if (isPause(question)) yield;
  }
  for (const [line, gtins] of misfits)
    if (known.has(line)) details.set(line, { kind: 'misfit', gtins });
}

/** Names the identifiers that do not fit, as they were sent. `asSent` is as in `Lines`. */
export function misfitText(gtins: readonly number[], asSent: string | null): string {
  const parsed: unknown = asSent === null ? {} : JSON.parse(asSent);
  const sent = new Map(Object.entries(typeof parsed === 'object' && parsed !== null ? parsed : {}));
  const forms = GTIN_FORMS.filter((form) => sent.has(form));
  const named = forms.flatMap((form) => {
    const text = textOf(sent.get(form));
    const reading = readGtin(form, text);
    const isMisfit = forms.length === 1 || !('gtin' in reading) || gtins.includes(reading.gtin);
    return isMisfit ? [`${form} ${JSON.stringify(text)}`] : [];
  });
  const names = named.length > 0 ? named : gtins.map(String);
  return `the SKU with this sku_id does not have ${names.join(', ')}`;
}

/** A text as sent, or the digits of a number. */
function textOf(sent: unknown): string {
  const [text] = Array.isArray(sent) ? sent.map(String) : [String(sent)];
  return text ?? '';
}
