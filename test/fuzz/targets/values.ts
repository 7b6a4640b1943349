import { parse as parseIsbn } from 'isbn3';
import { validate as validateEan } from 'stdnum/lib/cjs/gen/ean.js';
import { GTIN_FORMS, guessGtin, readGtin } from '../../../src/domain/gtin.ts';
import { QUANTITY_MAX, readDate, readQuantityText } from '../../../src/domain/inventory.ts';
import { decimalEvidence, readQuantity } from '../../../src/domain/quantity-text.ts';
import { NO_RULES } from '../../../src/domain/reading-rules.ts';
import { readQuantityCell } from '../../../src/formats/table/quantities.ts';
import { numberText, styleOfFormat } from '../../../src/formats/xlsx/numbers.ts';
import { readChange } from '../../../src/wire/inventory/inventory-fields.ts';
import { repr } from '../../../src/wire/lines/python-repr.ts';
import { printTimeUs, readTimeUs } from '../../../src/wire/times.ts';
import { readRetryAfter } from '../../../src/webhooks/schedule.ts';
import { checkMessage, Disagreement, expectSame, expectThat, type Target } from '../target.ts';
import { Python } from './python.ts';

const python = new Python();

/** Single values: identifiers, quantities, numbers of workbooks, dates and times, and quoted texts. */
export const values: Target = {
  name: 'values',
  tokens: [
    '0',
    '9',
    'X',
    '-',
    ' ',
    '978',
    '979',
    '.',
    ',',
    "'",
    '’',
    '\u00a0',
    'e+12',
    'E',
    '+',
    '4006381333931',
    '012345678905',
    '0306406152',
    '96385074',
    '2147483647',
    '1,234',
    '1.234,00',
    '2026-02-29',
    'T',
    'Z',
    '+02:00',
    ':',
    '(5)',
    ' pcs',
    'yyyy',
    '"',
    '\\',
    '\u2028',
    '\u{10ffff}',
  ],
  seeds: [
    '9780306406157',
    '012345678905',
    '96385074',
    '0-306-40615-2',
    '4.00638E+12',
    '1.234,50',
    '1,234',
    '12 345',
    '-5',
    '2026-11-23T16:21:19.041+02:00',
    '2024-02-29',
    "it's",
    '5 pcs',
    '1e22',
    '123456789012345678',
    'Sun, 06 Nov 1994 08:49:37 GMT',
    '[$-409]d/m/yy;@',
  ],
  run: (bytes) => {
    const text = bytes.toString();
    readsIdentifiers(text);
    readsQuantities(text);
    readsTimes(text);
    readsWorkbookNumbers(text);
  },
  compare: async (inputs) => {
    const texts = inputs.map((input) => input.toString());
    await compareWith('repr', inputs, texts, (text) => repr(text));
    await compareWith('number', inputs, texts, doubleOf);
    await compareWith(
      'time',
      inputs,
      texts.map((text) => text.replace(/:60(?=[.Z+-])/i, ':59')),
      timeForPython,
    );
    await compareWith('whole', inputs, texts, (text) => {
      const quantity = readQuantityText(text);
      return quantity === undefined ? undefined : String(quantity);
    });
  },
  close: () => python.close(),
};

/** Asks Python about texts. `ours` returns undefined where there is nothing to compare. */
async function compareWith(
  about: string,
  inputs: readonly Buffer[],
  texts: readonly string[],
  ours: (text: string) => unknown,
): Promise<void> {
  const answers = await python.ask(about, texts);
  for (const [i, theirs] of answers.entries()) {
    const text = texts[i] ?? '';
    const own = ours(text);
    if (theirs === null || own === undefined || own === theirs) continue;
    throw new Disagreement(`Python reads another ${about}`, { text, own, theirs }, inputs[i]);
  }
}

/** What a workbook's number is, exactly; Python prints it in the same way. */
function doubleOf(text: string): string | undefined {
  const shown = numberText(text, { kind: 'plain' }, false);
  if (shown === undefined || Math.abs(Number(text)) >= 2 ** 53) return undefined;
  const value = Number(shown);
  return Number.isInteger(value) && value === Number(text) ? hexOf(value) : undefined;
}

/** Undefined for zero, whose sign a workbook does not keep. */
function hexOf(value: number): string | undefined {
  if (value === 0) return undefined;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const mantissa = Math.abs(value) / 2 ** exponent;
  const digits = (mantissa - 1) * 2 ** 52;
  return `${value < 0 ? '-' : ''}0x1.${digits.toString(16).padStart(13, '0')}p+${exponent}`;
}

/** Python cuts at six digits as well, but reads more forms, and years from 1. */
function timeForPython(text: string): number | undefined {
  const us = readTimeUs(text);
  return us === undefined || !Number.isSafeInteger(us) || text.includes(':60') ? undefined : us;
}

function readsIdentifiers(text: string): void {
  for (const form of GTIN_FORMS) {
    const reading = readGtin(form, text);
    if ('refusal' in reading) checkMessage(reading.refusal);
    else {
      expectSame('a normalized identifier is another one', readGtin(form, reading.text), reading);
      expectThat(Number.isSafeInteger(reading.gtin) && reading.gtin > 0, 'no GTIN', reading);
    }
  }
  const guess = guessGtin(text);
  if ('refusal' in guess) checkMessage(guess.refusal);
  else expectThat('gtin' in readGtin(guess.form, guess.text), 'a guess that cannot be read', guess);
  const isEan = /^[0-9]{13}$/.test(text) && !/^0+$/.test(text);
  if (isEan)
    expectSame(
      'stdnum judges an EAN otherwise',
      'gtin' in readGtin('ean13', text),
      validateEan(text).isValid,
    );
  if (/^(?:[0-9]{9}[0-9X]|97[89][0-9]{10})$/.test(text) && !/^0+$/.test(text)) {
    // isbn3 knows which ranges publishers have; a number outside of them may still be right.
    const isRight = parseIsbn(text) !== null;
    if (isRight)
      expectThat('gtin' in readGtin('isbn', text), 'isbn3 accepts an ISBN that is refused', text);
  }
}

function readsQuantities(text: string): void {
  for (const quantity of [readQuantityText(text), readQuantityOf(text)]) {
    if (quantity === undefined) continue;
    const isRight =
      Number.isInteger(quantity) &&
      quantity >= 0 &&
      quantity <= QUANTITY_MAX &&
      !Object.is(quantity, -0);
    expectThat(isRight, 'a value that no quantity can have', quantity);
  }
  const change = readChange(text);
  if (change !== undefined)
    expectThat(Math.abs(change) <= QUANTITY_MAX && !Object.is(change, -0), 'no change', change);
  const cell = readQuantityCell(text, NO_RULES);
  if ('refusal' in cell) checkMessage(cell.refusal.toWellFormed());
  // What the API reads, a file reads too, as the same number.
  const bare = text.trim();
  if (/^[0-9]+$/.test(bare))
    expectSame(
      'a file reads plain digits otherwise',
      'quantity' in cell ? cell.quantity : undefined,
      readQuantityText(bare),
    );
  const evidence = decimalEvidence(text);
  if (evidence === 'comma' || evidence === 'point') {
    const [given, none] = [readQuantity(text, evidence), readQuantity(text, null)];
    expectSame('a number that has one reading needs a rule', given, none);
  }
}

function readQuantityOf(text: string): number | undefined {
  const reading = readQuantity(text, null);
  return reading !== null && 'quantity' in reading ? reading.quantity : undefined;
}

function readsTimes(text: string): void {
  const us = readTimeUs(text);
  if (us !== undefined) {
    // Microseconds are exact up to the year 2255; later times occur only in queries, to the millisecond.
    expectThat(Number.isInteger(us), 'a time that is no number', us);
    // Years before 1 have another form, which is not read.
    if (us >= -62_135_596_800_000_000 && Number.isSafeInteger(us))
      expectSame('a printed time is read otherwise', readTimeUs(printTimeUs(us)), us);
  }
  const date = readDate(text);
  if (date !== undefined)
    expectSame('another day', new Date(`${text}T00:00:00Z`).toISOString().slice(0, 10), text);
  const delayMs = readRetryAfter(text, 784_000_000_000);
  if (delayMs !== null) expectThat(delayMs >= 0 && Number.isFinite(delayMs), 'no delay', delayMs);
}

function readsWorkbookNumbers(text: string): void {
  const style = styleOfFormat(text);
  for (const number of ['46000', '5', '1.5E12', text]) {
    const shown = numberText(number, style, false);
    if (shown !== undefined)
      expectThat(shown !== '' && shown.length < 500, 'a number as text', shown);
  }
}
