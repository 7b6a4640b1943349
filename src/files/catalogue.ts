import { OnhandError } from '../domain/errors.ts';
import { writeXlsx } from '../formats/xlsx/writer.ts';
import { FIRST_COMPLAINT, type CatalogueStaging } from '../store/staging.ts';
import { mappingsOf, type FeedGo, type FileJobOutcome, type FeedParts } from './parts.ts';
import { importCatalogue, type ImportSummary } from '../intake/catalogue-import.ts';
import { printImportReport } from '../intake/import-report.ts';

/** A catalogue goes the way of the import, and leaves its report as its results. */
export async function applyCatalogueFile(
  { store, files, openStaging }: FeedParts,
  { feed, nodeId, signal }: FeedGo,
): Promise<FileJobOutcome> {
  const { asked, uuid, supplierId, userId } = feed;
  if (asked.isSnapshot || asked.atomic || asked.dryRun || asked.asOfUs !== null)
    throw notPossible();
  const staging = openStaging();
  try {
    const summary = await importCatalogue(store, staging, {
      file: files.read(uuid),
      path: files.pathOf(uuid),
      columnMap: mappingsOf(asked.mappings),
      supplierId,
      userId,
      source: 'file',
      signal,
    });
    await files.write(uuid, printImportReport(staging), { kind: 'report' });
    await files.write(uuid, writeXlsx(complaintRows(staging)), { kind: 'workbook' });
    await store.files.record(feed, nodeId, null, {
      rowCount: summary.rowsRead,
      statusCounts: countsOf(summary),
      rowsExpected: summary.rowsRead,
    });
    if (!summary.isStopped) return { state: 'done', problem: null };
    return signal.reason === 'canceled' ? { state: 'canceled', problem: null } : 'stopped';
  } finally {
    staging.close();
  }
}

function notPossible(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    'The file has product columns and is read as a catalogue, which cannot be a snapshot, atomic, a dry run, or as of a time. Nothing was applied.',
  );
}

function countsOf(summary: ImportSummary): Record<string, number> {
  const applied = summary.skusCreated + summary.skusUpdated + summary.skusUnchanged;
  return {
    ...(applied > 0 && { '200': applied }),
    ...(summary.rowsRejected > 0 && { '400': summary.rowsRejected }),
  };
}

const PAGE = 1000;

async function* complaintRows(staging: CatalogueStaging): AsyncGenerator<readonly string[]> {
  yield ['row', 'column', 'value', 'reason', 'kind'];
  let start = FIRST_COMPLAINT;
  for (;;) {
    const page = staging.complaintsFrom(start, PAGE);
    if (page.complaints.length === 0) return;
    for (const { row, column, value, reason, kind } of page.complaints) {
      yield [String(row), column, value, reason, kind];
    }
    start = page.next;
  }
}
