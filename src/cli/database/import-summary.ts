import type { Complaint } from '../../domain/catalogue.ts';
import { firstComplaints, type ImportSummary } from '../../intake/catalogue-import.ts';
import type { CatalogueStaging } from '../../store/staging.ts';
import { printLine } from '../output.ts';

/** How many complaints are shown where no report was asked for. */
const COMPLAINTS_SHOWN_MAX = 5;

const LABEL_WIDTH = 16;
const COUNT_WIDTH = 10;

/** Prints what an import did, on stdout. */
export function printSummary(summary: ImportSummary, supplier: string, seconds: number): void {
  printLine(headline(summary, supplier));
  const counts: readonly (readonly [string, number])[] = [
    ['rows read', summary.rowsRead],
    ['SKUs created', summary.skusCreated],
    ['SKUs updated', summary.skusUpdated],
    ['SKUs unchanged', summary.skusUnchanged],
    ['rows rejected', summary.rowsRejected],
    ['rows doubtful', summary.rowsDoubtful],
  ];
  for (const [label, count] of counts) {
    printLine(`  ${label.padEnd(LABEL_WIDTH)}${String(count).padStart(COUNT_WIDTH)}`);
  }
  if (summary.unknownColumns.length > 0)
    printLine(`  ${'columns ignored'.padEnd(LABEL_WIDTH)} ${summary.unknownColumns.join(', ')}`);
  printLine(
    `  ${'time'.padEnd(LABEL_WIDTH)} ${seconds.toFixed(1)} s, ${Math.round(summary.rowsRead / seconds)} rows/s`,
  );
}

function headline(
  { isStopped, skusLeft, skusCreated, skusUpdated, skusUnchanged }: ImportSummary,
  supplier: string,
): string {
  if (!isStopped) return `Imported the catalogue of "${supplier}".`;
  const applied = skusCreated + skusUpdated + skusUnchanged;
  if (applied === 0) return 'Stopped: nothing was applied.';
  return `Stopped: ${applied} SKUs were applied, ${skusLeft} were not; run the import again to apply them.`;
}

/** Says where the complaints are, or shows the first of them. */
export function printComplaints(
  summary: ImportSummary,
  staging: CatalogueStaging,
  reportPath: string | undefined,
): void {
  const rows = summary.rowsRejected + summary.rowsDoubtful;
  if (reportPath !== undefined) {
    printLine(`  ${'report'.padEnd(LABEL_WIDTH)} ${reportPath}`);
    return;
  }
  if (rows === 0) return;
  printLine('The first complaints (--report FILE.csv writes them all):');
  for (const complaint of firstComplaints(staging, COMPLAINTS_SHOWN_MAX))
    printLine(`  ${describe(complaint)}`);
}

function describe({ row, column, value, reason, kind }: Complaint): string {
  const where = column === '' ? '' : ` ${column} ${JSON.stringify(value)}`;
  return `row ${row} ${kind}:${where} ${reason}`;
}
