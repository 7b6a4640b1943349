/** Dropping a file, its check, and its columns and questions. */
export const drop = {
  subtitle: 'Check a stock file first, apply it when it is right',
  choose: 'Choose a file',
  here: 'Drop a stock file here',
  formats: 'Excel, CSV, JSON, X12 or EDIFACT; also as gzip or zip',
  sending: (name: string, size: string) => `Sending ${name} (${size})…`,
  sent: 'How much was sent',
  sentShare: (share: string) => `${share} sent`,
  interrupted: (name: string) => `${name} was not sent: the session had ended`,
  interruptedText: 'Nothing was applied. Send it again, or drop another file.',
  sendAgain: 'Send it again',
  contains: 'The file has',
  contents: {
    partial: 'Some of my SKUs',
    complete: 'All of my SKUs',
    catalogue: 'New products',
  },
  contentHints: {
    partial: 'SKUs without a row stay as they are.',
    complete: 'SKUs without a row are set to zero.',
    catalogue: 'SKUs that do not exist yet are created.',
  },
  reason: 'Reason (optional)',
  reasonExample: 'Weekly stocktaking',
  safe: 'Nothing is applied until you have seen what would change and say so.',
  recent: 'Recent files',
};

export const check = {
  title: (name: string) => `Check ${name}`,
  another: 'Drop another file',
  nothingApplied: 'Nothing has been applied yet. This is what the file would do.',
  rows: 'Rows',
  changed: 'Would change',
  unchanged: 'Stay as they are',
  toZero: 'Would go to zero',
  zeroed: 'Not in the file, to zero',
  failed: 'Would fail',
  leftOut: (rows: string, isOne: boolean) =>
    isOne ? `${rows} row would be left out` : `${rows} rows would be left out`,
  apply: (changes: string, isOne: boolean) =>
    isOne ? `Apply ${changes} change` : `Apply ${changes} changes`,
  applyCatalogue: 'Apply the catalogue',
  applyStopped: 'Continue anyway…',
};

export const columns = {
  title: 'How the columns are read',
  mapHint:
    'Say which column identifies the SKU and which has its stock. The values below are the first rows of the file.',
  inFile: 'Column in the file',
  samples: 'First values',
  readAs: 'Read as',
  mapped: 'chosen by you',
  ignore: 'Ignored',
  readColumnAs: (header: string) => `Read “${header}” as`,
  save: 'Remember this for all later files',
  checkAgain: 'Check again',
  notes: 'Notes',
  targets: {
    sku_id: 'SKU identifier',
    gtin: 'Barcode (any form)',
    upca: 'UPC-A',
    ean13: 'EAN-13',
    gtin14: 'GTIN-14',
    isbn: 'ISBN',
    quantity_in_stock: 'Quantity in stock',
    quantity_on_backorder: 'Quantity on backorder',
    backorder_date: 'Backorder date',
    restrictions: 'Restriction',
    status: 'Status',
    discontinued: 'Discontinued (yes or no)',
    hidden: 'Hidden (yes or no)',
    title: 'Title',
  },
};

export const questions = {
  title: 'The file can be understood in more than one way',
  intro: 'Nothing is guessed and nothing has been applied. Say what is meant.',
  titles: {
    duplicate_skus: 'Some SKUs have several rows',
    ambiguous_decimal: 'Some numbers can be read in two ways',
  },
  answers: {
    locations_sum: 'Add them up, such as one row per warehouse',
    locations_last: 'The last row counts',
    decimal_point: 'The point begins the fraction: 1,234.5',
    decimal_comma: 'The comma begins the fraction: 1.234,5',
  },
  save: 'Answer this way for all later files',
  goOn: 'Continue the check',
  apply: 'Apply the file',
};

/** Reading rules other than columns. */
export const rules = {
  title: 'How values are read',
  show: 'Change',
  hide: 'Hide',
  names: {
    decimal: 'Decimal mark',
    dates: 'Order of dates',
    locations: 'Several rows of one SKU',
    negative: 'Quantities below zero',
    identifiers: 'Identifiers that contradict each other',
    words: 'Words instead of quantities',
    strict: 'Refuse a row completely if any of its cells is wrong',
  },
  unset: {
    decimal: 'Ask if it is not clear',
    dates: 'Refuse dates that are not clear',
    locations: 'Ask',
    negative: 'Refuse the row',
    identifiers: 'Refuse the row',
  },
  choices: {
    decimal_comma: 'Comma: 1.234,5',
    decimal_point: 'Point: 1,234.5',
    dates_day_first: 'Day first: 31/12/2027',
    dates_month_first: 'Month first: 12/31/2027',
    locations_sum: 'Add them up',
    locations_last: 'The last row counts',
    negative_zero: 'Read them as zero',
    identifiers_sku_id_first: 'The SKU identifier counts',
  },
  wordsHint: 'One in a line, with its quantity',
  wordsWrong: 'Write a word, an equals sign and a whole number in each line.',
};
