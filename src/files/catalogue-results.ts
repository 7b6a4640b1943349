/** The results of a catalogue, row by row: its cells, and what was done to the SKU. */
import { APPLIED, UNREADABLE } from '../domain/batch-decision.ts';
import { ENTRY_OUTCOMES, type Complaint, type EntryOutcome } from '../domain/catalogue.ts';
import type { Catalogue } from '../formats/table/catalogue.ts';
import { FIRST_COMPLAINT, type CatalogueStaging } from '../store/staging.ts';
import { RESULT_COLUMNS, resultCells } from './results-task.ts';
import { NOT_APPLIED, WOULD_CHANGE_NOTHING } from './row-results.ts';

const PAGE = 1000;
const LEFT_OUT = 424;

const MESSAGES: Readonly<Record<EntryOutcome, string>> = {
  created: 'success: the SKU was created',
  updated: 'success: the SKU was changed',
  unchanged: 'success',
  refused: NOT_APPLIED,
};
const DRY_RUN_MESSAGES: Readonly<Record<EntryOutcome, string>> = {
  created: 'Would create the SKU',
  updated: 'Would change the SKU',
  unchanged: WOULD_CHANGE_NOTHING,
  refused: NOT_APPLIED,
};

/** The outcomes of rows, by row number. Takes a byte per row. */
export class RowOutcomes {
  #codes = new Uint8Array(PAGE);

  set(row: number, outcome: EntryOutcome): void {
    if (row >= this.#codes.length) {
      const grown = new Uint8Array(Math.max(row + 1, 2 * this.#codes.length));
      grown.set(this.#codes);
      this.#codes = grown;
    }
    this.#codes[row] = ENTRY_OUTCOMES.indexOf(outcome) + 1;
  }

  /** Undefined if the row was not applied. */
  of(row: number): EntryOutcome | undefined {
    return ENTRY_OUTCOMES[(this.#codes[row] ?? 0) - 1];
  }
}

/** The header and the rows of the results. Reads the catalogue's rows. */
export async function* catalogueResults(
  { header, rows }: Pick<Catalogue, 'header' | 'rows'>,
  staging: Pick<CatalogueStaging, 'complaintsFrom'>,
  outcomes: RowOutcomes,
  isDryRun: boolean,
): AsyncGenerator<readonly string[]> {
  yield [...header, ...RESULT_COLUMNS];
  const complaints = complaintsByRow(staging);
  let next = complaints.next();
  const messages = isDryRun ? DRY_RUN_MESSAGES : MESSAGES;
  for await (const { row, cells } of rows) {
    let own: readonly Complaint[] = [];
    while (next.done !== true && next.value.row <= row) {
      if (next.value.row === row) own = next.value.complaints;
      next = complaints.next();
    }
    const outcome = outcomes.of(row);
    const isRejected = own.some(({ kind }) => kind === 'rejected');
    const status = isRejected ? UNREADABLE : outcome === undefined ? LEFT_OUT : APPLIED;
    const told = isRejected ? [] : [outcome === undefined ? NOT_APPLIED : messages[outcome]];
    yield resultCells(cells, status, [...told, ...own.map(printComplaint)].join('; '), header);
  }
}

/** What is wrong with a row, or doubtful. */
export function printComplaint({ column, value, reason }: Complaint): string {
  return column === '' ? reason : `${column} ${JSON.stringify(value)} ${reason}`;
}

/** The complaints, all of a row together. */
function* complaintsByRow(
  staging: Pick<CatalogueStaging, 'complaintsFrom'>,
): Generator<{ readonly row: number; readonly complaints: readonly Complaint[] }> {
  let row = 0;
  let complaints: Complaint[] = [];
  for (let start = FIRST_COMPLAINT; ;) {
    const page = staging.complaintsFrom(start, PAGE);
    for (const complaint of page.complaints) {
      if (complaint.row !== row && complaints.length > 0) {
        yield { row, complaints };
        complaints = [];
      }
      row = complaint.row;
      complaints.push(complaint);
    }
    if (page.complaints.length === 0) break;
    start = page.next;
  }
  if (complaints.length > 0) yield { row, complaints };
}
