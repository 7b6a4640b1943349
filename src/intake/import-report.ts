import type { Complaint } from '../domain/catalogue.ts';
import { printReportHeader, printReportRows } from '../formats/results/report.ts';
import { FIRST_COMPLAINT, type CatalogueStaging } from '../store/staging.ts';

const PAGE = 1_000;

/** Everything that an import complained of, as CSV, piece by piece. */
export function* printImportReport(staging: CatalogueStaging): Generator<string> {
  yield printReportHeader();
  let start = FIRST_COMPLAINT;
  for (;;) {
    const page = staging.complaintsFrom(start, PAGE);
    if (page.complaints.length === 0) return;
    yield printReportRows(page.complaints);
    start = page.next;
  }
}

/** The first complaints of an import, by row. */
export function firstComplaints(staging: CatalogueStaging, limit: number): readonly Complaint[] {
  return staging.complaintsFrom(FIRST_COMPLAINT, limit).complaints;
}
