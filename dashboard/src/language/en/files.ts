/** Files, batches, what they change, why rows fail, and undo. */
export const files = {
  tabFiles: 'Files',
  tabBatches: 'Batches',
  unnamed: 'Unnamed file',
  noneTitle: 'No files yet',
  noneText: 'Files that you drop, upload or put into the drop folder appear here.',
  anyState: 'Any state',
  noneInState: 'No file is in this state.',
  file: 'File',
  state: 'State',
  rowsApplied: 'Applied',
  rowsFailed: 'Failed',
  sender: 'Who',
  uploaded: 'When',
  states: {
    waiting: 'Waiting',
    reading: 'In progress',
    held: 'Needs an answer',
    done: 'Applied',
    refused: 'Refused',
    failed: 'Stopped midway',
    canceled: 'Canceled',
  },
  checked: 'Checked only',
  partlyApplied: 'Partly applied',
  sheet: (name: string) => `sheet “${name}”`,
  catalogue: 'catalogue',
  snapshot: 'all SKUs',
  by: (username: string) => `by ${username}`,
  waiting: 'Waiting for its turn…',
  checking: 'Checking…',
  applying: 'Applying…',
  rowsOf: (rows: string, expected: string | null) =>
    expected === null ? `${rows} rows` : `${rows} of ${expected} rows`,
  stop: 'Stop',
  refusedTitle: 'The file cannot be applied. Nothing has changed.',
  stoppedTitle: 'The safety limit stopped this file. Nothing has changed.',
  failedTitle: 'The file was not read to its end. The rows before that were applied.',
  canceledTitle: 'The file was canceled. The rows before that were applied.',
  stuckTitle: 'The file does not get on',
  appliedRows: (rows: string, isOne: boolean) =>
    isOne ? `${rows} row was applied.` : `${rows} rows were applied.`,
  failedRows: (rows: string, isOne: boolean) =>
    isOne ? `${rows} row failed and changed nothing.` : `${rows} rows failed and changed nothing.`,
  confirm: 'Apply it anyway',
  discard: 'Discard the file',
  results: 'All results',
  details: 'Details',
  reason: 'Reason',
  reference: 'Reference',
  columns: 'Columns',
  ignored: 'Ignored columns',
  notes: 'Notes',
  pageOf: (first: string, last: string, total: string) => `${first}–${last} of ${total}`,
  previous: 'Previous page',
  next: 'Next page',
};

export const batches = {
  noneTitle: 'No batches yet',
  noneText: 'Everything that changes stock is a batch and appears here, with its undo.',
  batch: 'Batch',
  number: (number: string) => `Batch ${number}`,
  source: 'Source',
  lines: 'Lines',
  linesApplied: 'Lines applied',
  changed: 'SKUs changed',
  failed: 'Failed',
  zeroed: 'Set to zero by a snapshot',
  who: 'Who',
  applied: 'When',
  reverts: 'Undoes',
  failedLines: 'Lines that failed',
  noFailedLines: 'No line failed',
  line: 'Line',
  status: 'Status',
  sources: {
    bulk: 'Bulk request',
    single: 'Single update',
    create: 'New SKU',
    update: 'SKU change',
    import: 'Import',
    file: 'File',
    revert: 'Undo',
    stream: 'Stream',
  },
};

export const effects = {
  title: 'What would change',
  rowsTitle: 'Rows',
  nothing: 'The file changes nothing',
  show: 'Show',
  changed: 'Changes',
  toZero: 'To zero',
  failed: 'Failed',
  row: 'Row',
  sku: 'SKU',
  change: 'Change',
  reason: 'Reason',
  shown: (shown: string, total: string) => `${shown} of ${total}`,
  more: 'Show more',
  fields: {
    quantity_in_stock: 'In stock',
    quantity_on_backorder: 'On backorder',
    backorder_date: 'Backorder date',
    restrictions: 'Restriction',
  },
  restrictions: { discontd: 'discontinued', tmpunavail: 'unavailable' },
};

export const failures = {
  title: 'Why rows fail',
  mend: 'Only these rows:',
  download: (kind: string) => `Download the failed rows as ${kind}`,
  rows: 'Rows',
  reason: 'Reason',
  example: 'Example',
  inRow: (row: string) => `Row ${row}:`,
  didYouMean: 'Did you mean',
};

export const undo = {
  file: 'Undo this file',
  batch: 'Undo this batch',
  will: (skus: string, isOne: boolean) =>
    isOne
      ? `${skus} SKU gets back the values that it had before.`
      : `${skus} SKUs get back the values that they had before.`,
  movedOn: (skus: string, isOne: boolean) =>
    isOne
      ? `${skus} SKU has changed since and stays as it is.`
      : `${skus} SKUs have changed since and stay as they are.`,
  force: (skus: string, isOne: boolean) =>
    isOne
      ? `Also restore ${skus} SKU whose value a later batch has confirmed`
      : `Also restore ${skus} SKUs whose values a later batch has confirmed`,
  isBatch: 'The undo is a batch of its own and can be undone too.',
  confirm: (skus: string, isOne: boolean) =>
    isOne ? `Restore ${skus} SKU` : `Restore ${skus} SKUs`,
  done: (skus: string, isOne: boolean) =>
    isOne ? `${skus} SKU was restored.` : `${skus} SKUs were restored.`,
  andMore: (skus: string) => `and ${skus} more`,
};
