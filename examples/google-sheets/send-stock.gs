/**
 * Sends the stock of a Google sheet to onhand, and writes the result of each row into the sheet.
 *
 * 1. In the sheet: Extensions > Apps Script. Paste this file.
 * 2. Project settings > Script properties: set ONHAND_URL and ONHAND_TOKEN.
 * 3. Reload the sheet. Its menu "onhand" has the command "Send stock".
 *
 * The first row names the columns: sku_id, quantity_in_stock and result. Rows without one of the first two are skipped.
 */
const CHUNK_LINES = 1000;
const ATTEMPTS = 4;

function onOpen() {
  SpreadsheetApp.getUi().createMenu('onhand').addItem('Send stock', 'sendStock').addToUi();
}

function sendStock() {
  const sheet = SpreadsheetApp.getActiveSheet();
  // As shown: a SKU such as 00123 keeps its zeros.
  const [header, ...rows] = sheet.getDataRange().getDisplayValues();
  const columnOf = (name) => {
    const column = header.indexOf(name);
    if (column === -1) throw new Error(`The first row has no column "${name}".`);
    return column;
  };
  const skuId = columnOf('sku_id');
  const quantity = columnOf('quantity_in_stock');
  const result = columnOf('result');
  const results = rows.map(() => ['']);
  const lines = rows.flatMap((row, place) =>
    row[skuId] === '' || row[quantity] === ''
      ? []
      : [{ place, line: { sku_id: row[skuId], quantity_in_stock: row[quantity] } }],
  );
  try {
    for (let start = 0; start < lines.length; start += CHUNK_LINES) {
      const chunk = lines.slice(start, start + CHUNK_LINES);
      const answers = post_(chunk.map(({ line }) => line));
      answers.forEach(({ message }, i) => (results[chunk[i].place] = [message]));
    }
  } finally {
    if (rows.length > 0) sheet.getRange(2, result + 1, rows.length, 1).setValues(results);
  }
}

/** Sends lines in one request, and returns the result of each. A request that fails is repeated where that can help. */
function post_(lines) {
  const { ONHAND_URL, ONHAND_TOKEN } = PropertiesService.getScriptProperties().getProperties();
  const request = {
    method: 'post',
    contentType: 'application/json',
    headers: {
      Authorization: `Token ${ONHAND_TOKEN}`,
      // Repeated with the request, so that the server applies it once.
      'Idempotency-Key': Utilities.getUuid(),
    },
    payload: JSON.stringify(lines),
    followRedirects: false,
    muteHttpExceptions: true,
  };
  let failure = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1) Utilities.sleep(1000 * 2 ** attempt);
    try {
      const response = UrlFetchApp.fetch(
        `${ONHAND_URL}/timp/products/skus/inventory/bulk/`,
        request,
      );
      const status = response.getResponseCode();
      const text = response.getContentText();
      if (status === 200) return JSON.parse(text);
      failure = `onhand answered ${status}: ${text}`;
      if (status < 500 && status !== 429) break;
    } catch (error) {
      failure = `onhand cannot be reached: ${error.message}`;
    }
  }
  throw new Error(failure);
}
