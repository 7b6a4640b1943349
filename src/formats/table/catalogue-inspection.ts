/** Looks at a whole catalogue before it is applied, as inventory files are. */
import { OnhandError } from '../../domain/errors.ts';
import type { ReadingRules } from '../../domain/reading-rules.ts';
import type { FormatLimits } from '../format.ts';
import { openFile, type FileSource } from '../open-file.ts';
import { readCatalogue, type CatalogueFileRow } from './catalogue.ts';
import { matchCatalogue, type MatchedHeader } from './columns.ts';
import { DecimalEvidence, decimalOf, type DecimalFindings } from './decimal-evidence.ts';
import { ReadingNotes } from './reading-notes.ts';
import type { Table, TableRow } from './table.ts';

/** What a catalogue says about its decimal mark, and what its sender should know, in sentences. */
export interface CatalogueInspection extends DecimalFindings {
  readonly notes: readonly string[];
}

/**
 * Reads all rows of a catalogue. A catalogue that breaks off is inspected up to there: reading it again reports that.
 * Rejects as `openCatalogue` does.
 *
 * @param follow is called for each row, and stops the inspection if it returns false
 */
export async function inspectCatalogue(
  source: FileSource,
  rules: ReadingRules,
  limits: FormatLimits,
  follow: (row: CatalogueFileRow) => boolean = () => true,
): Promise<CatalogueInspection> {
  const file = await openFile(source, limits, rules.columns);
  try {
    const table: Table<MatchedHeader> = await file.openTable((header) =>
      matchCatalogue(header, rules.columns, limits.columnsMax),
    );
    const evidence = new DecimalEvidence(table.header.columns, {
      headerDecimal: decimalOf(table.header.languages),
      hasSemicolons: 'delimiter' in file && file.delimiter === ';',
    });
    const notes = new ReadingNotes();
    const observed = { ...table, rows: observedRows(table.rows, evidence) };
    const catalogue = readCatalogue(observed, rules, () => file.close(), notes);
    try {
      for await (const row of catalogue.rows) if (!follow(row)) break;
    } catch (error) {
      if (!(error instanceof OnhandError)) throw error;
    }
    return { ...evidence.findings, notes: notes.sentences() };
  } finally {
    await file.close();
  }
}

async function* observedRows(
  rowArrays: AsyncGenerator<readonly TableRow[]>,
  evidence: DecimalEvidence,
): AsyncGenerator<readonly TableRow[]> {
  for await (const rows of rowArrays) {
    for (const row of rows) evidence.add(row);
    yield rows;
  }
}
