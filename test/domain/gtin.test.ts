import * as fc from 'fast-check';
import { asIsbn10, asIsbn13, groups, parse } from 'isbn3';
import { validate as validateEan } from 'stdnum/lib/cjs/gen/ean.js';
import { describe, expect, test } from 'vitest';
import {
  GTIN_FORMS,
  guessGtin,
  mod10CheckDigit,
  mod11CheckDigit,
  readGtin,
  type GtinForm,
} from '../../src/domain/gtin.ts';
import { textMatching } from '../matching.ts';

const ROUNDED = textMatching(/rounded by a spreadsheet.*not recoverable/);
const refusal = (reason: unknown) => ({ refusal: reason });

/** The number that a text reads as, in its 14 digits. */
function digitsOf(form: GtinForm, text: string): string | undefined {
  const reading = readGtin(form, text);
  return 'gtin' in reading ? String(reading.gtin).padStart(14, '0') : undefined;
}

describe('a valid identifier of each form is read', () => {
  test.for([
    ['ean13', '96385074', '00000096385074'],
    ['upca', '96385074', '00000096385074'],
    ['gtin14', '96385074', '00000096385074'],
    ['gtin14', '9780306406157', '09780306406157'],
    ['ean13', '00012345678905', '00012345678905'],
    ['upca', '12345678905', '00012345678905'],
    ['upca', '012345678905', '00012345678905'],
    ['ean13', '0012345678905', '00012345678905'],
    ['gtin14', '00012345678905', '00012345678905'],
    ['gtin14', '000000012345678905', '00012345678905'],
    ['isbn', '9790060115615', '09790060115615'],
    ['isbn', '9780306406157', '09780306406157'],
    ['isbn', '0306406152', '09780306406157'],
    ['isbn', '306406152', '09780306406157'],
    ['isbn', '0-306-40615-2', '09780306406157'],
    ['isbn', '978-0-306-40615-7', '09780306406157'],
    ['isbn', '080442957X', '09780804429573'],
    ['isbn', '80442957x', '09780804429573'],
    ['isbn', '0000019', '09780000000019'],
    ['ean13', ' 4006381 333931 ', '04006381333931'],
    ['gtin14', '10012345678902', '10012345678902'],
  ] as const)('%s %s is %s', ([form, text, digits]) => {
    expect(digitsOf(form, text)).toBe(digits);
  });

  test('a GTIN-14 with an indicator never equals the unit inside', () => {
    expect(digitsOf('gtin14', '10012345678902')).not.toBe(digitsOf('upca', '012345678905'));
  });
});

describe('an invalid identifier is refused with the rule that it violates', () => {
  test.for([
    ['upca', '9780306406157', 'has 13 digits (leading zeros aside), upca has at most 12'],
    ['ean13', '10012345678902', 'has 14 digits (leading zeros aside), ean13 has at most 13'],
    ['gtin14', '110012345678902', 'has 15 digits (leading zeros aside), gtin14 has at most 14'],
    ['isbn', '4006381333931', 'has 13 digits that do not begin with 978 or 979'],
    ['isbn', '9780306406158', textMatching(/wrong check digit .*would be 7/)],
    ['isbn', '0306406153', textMatching(/wrong check digit .*would be 2/)],
    ['isbn', '030640615X', textMatching(/wrong check digit/)],
    ['isbn', '978030640615X', 'has 13 characters that are not all digits'],
    ['isbn', '306406', textMatching(/has 6 characters/)],
    ['isbn', '97803064061', textMatching(/has 11 characters/)],
    ['isbn', '00000000000000', textMatching(/has 14 characters/)],
    ['isbn', '09780306406157', textMatching(/has 14 characters/)],
    ['isbn', '03064X6152', 'has characters other than the digits 0-9 and a last X'],
    ['ean13', '4006381333932', textMatching(/wrong check digit .*would be 1/)],
    ['ean13', '978030640615X', 'has characters other than the digits 0-9'],
    ['ean13', '4006381333931\u00a0', 'has characters other than the digits 0-9'],
    ['ean13', '4006381–333931', 'has characters other than the digits 0-9'],
    ['ean13', '٤٠٠٦٣٨١٣٣٣٩٣١', 'has characters other than the digits 0-9'],
    ['ean13', '400638133393１', 'has characters other than the digits 0-9'],
    ['ean13', '+4006381333931', 'has characters other than the digits 0-9'],
    ['ean13', '4006381\t333931', 'has characters other than the digits 0-9'],
    ['gtin14', ' - ', 'has no digits'],
    ['isbn', '-', 'has no digits'],
  ] as const)('%s %s', ([form, text, reason]) => {
    expect(readGtin(form, text)).toEqual(refusal(reason));
  });

  test.for(
    GTIN_FORMS.flatMap((form) =>
      ['0', '000000000000', '0000000000', '1511'].map((text) => [form, text] as const),
    ),
  )('%s %s, as any form', ([form, text]) => {
    expect(readGtin(form, text)).toHaveProperty('refusal');
  });

  test.for([
    '9.78043902348e+12',
    '9.78043902348E+12',
    '9,78043902348E+12',
    '9.78E12',
    '978e10',
    '9780439023480.0',
    '9780306406157.0',
    '9780306406157.',
    ' 9.78043902348e+12 ',
    '-9.78043902348e+12',
  ])('what a spreadsheet rounded, as any form: %s', (text) => {
    for (const form of GTIN_FORMS) expect(readGtin(form, text)).toEqual(refusal(ROUNDED));
  });
});

const digits = (length: number) =>
  fc.array(fc.nat({ max: 9 }), { minLength: length, maxLength: length }).map((all) => all.join(''));
const bodyDigits = (min: number, max: number) =>
  fc.array(fc.nat({ max: 9 }), { minLength: min, maxLength: max }).map((all) => all.join(''));
const PROPERTY = { seed: 20_261_123, numRuns: 2000 };

describe('against another implementation of mod 10', () => {
  test.for([
    ['ean13', 8],
    ['upca', 12],
    ['ean13', 13],
    ['gtin14', 14],
  ] as const)('%s takes exactly the %i digits that it takes', ([form, length]) => {
    fc.assert(
      fc.property(digits(length), fc.boolean(), (text, repair) => {
        const code = repair ? text.slice(0, -1) + mod10CheckDigit(text) : text;
        const isZero = /^0+$/.test(code);
        expect('gtin' in readGtin(form, code)).toBe(validateEan(code).isValid && !isZero);
      }),
      PROPERTY,
    );
  });

  test('accepts exactly one check digit', () => {
    fc.assert(
      fc.property(digits(13), (body) => {
        const taken = Array.from('0123456789').filter((digit) => validateEan(body + digit).isValid);
        expect(taken).toEqual([mod10CheckDigit(`${body}0`)]);
      }),
      PROPERTY,
    );
  });
});

/** Nine digits in a range that is assigned to publishers, which the other implementation asks for. */
const assignedBody = fc
  .constantFrom(
    ...Object.entries(groups)
      .filter(([group]) => group.startsWith('978-'))
      .flatMap(([group, { ranges }]) =>
        ranges.map(([from]) => group.slice('978-'.length) + from.replaceAll('-', '')),
      )
      .filter((prefix) => prefix.length < 9),
  )
  .chain((prefix) => digits(9 - prefix.length).map((rest) => prefix + rest));

describe('against another implementation of the ISBN', () => {
  test('reads an assigned ISBN-10 as its ISBN-13, and rejects every other check character', () => {
    fc.assert(
      fc.property(assignedBody, (body) => {
        const isbn10 = body + mod11CheckDigit(body);
        fc.pre(parse(isbn10) !== null);
        expect(digitsOf('isbn', isbn10)).toBe(`0${asIsbn13(isbn10)}`);
        const read = Array.from('0123456789X').filter(
          (last) => 'gtin' in readGtin('isbn', body + last),
        );
        expect(body + read.join('')).toBe(asIsbn10(isbn10));
      }),
      PROPERTY,
    );
  });

  test('accepts what the other implementation accepts, with or without leading zeros', () => {
    fc.assert(
      fc.property(assignedBody, fc.constantFrom(...Array.from('0123456789X')), (body, last) => {
        const isbn13 = asIsbn13(body + last);
        if (isbn13 === null) return;
        const short = (body + last).replace(/^0{1,3}/, '');
        for (const text of [body + last, isbn13, short]) {
          expect(digitsOf('isbn', text)).toBe(`0${isbn13}`);
        }
      }),
      PROPERTY,
    );
  });
});

describe('round trips', () => {
  test('reads the normalized text as the same number', () => {
    fc.assert(
      fc.property(fc.constantFrom(...GTIN_FORMS), bodyDigits(6, 13), (form, body) => {
        const code = body + (form === 'isbn' ? mod11CheckDigit(body) : mod10CheckDigit(`${body}0`));
        const reading = readGtin(form, code);
        fc.pre('gtin' in reading);
        expect(readGtin(form, reading.text)).toEqual(reading);
      }),
      PROPERTY,
    );
  });

  test('reads the same number from every form that can represent it', () => {
    fc.assert(
      fc.property(bodyDigits(7, 11), (body) => {
        const code = body + mod10CheckDigit(`${body}0`);
        fc.pre(!/^0+$/.test(code));
        const written = ['upca', 'ean13', 'gtin14'] as const;
        expect(new Set(written.map((form) => digitsOf(form, code)))).toEqual(
          new Set([code.padStart(14, '0')]),
        );
        expect(digitsOf('gtin14', code.padStart(20, '0'))).toBe(code.padStart(14, '0'));
      }),
      PROPERTY,
    );
  });

  test('ignores spaces and hyphens at any position', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(['isbn', '080442957X'], ['ean13', '4006381333931'] as const),
        fc.array(fc.constantFrom(' ', '-', ''), { minLength: 15, maxLength: 15 }),
        ([form, code], gaps) => {
          const spaced = gaps.map((gap, i) => gap + (code?.[i] ?? '')).join('');
          const known = GTIN_FORMS.find((name) => name === form) ?? 'gtin14';
          expect(readGtin(known, spaced)).toEqual(readGtin(known, code ?? ''));
        },
      ),
      PROPERTY,
    );
  });

  test('never throws and never returns a number that is not a GTIN', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...GTIN_FORMS),
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom(...Array.from('0918 -X.eE')) }),
        ),
        (form, text) => {
          const number = digitsOf(form, text);
          if (number !== undefined) expect(validateEan(number).isValid).toBe(true);
        },
      ),
      PROPERTY,
    );
  });
});

describe('an identifier of unknown form', () => {
  test.for([
    ['96385074', { form: 'ean13', text: '96385074' }],
    ['4006381333931', { form: 'ean13', text: '4006381333931' }],
    ['9780306406157', { form: 'ean13', text: '9780306406157' }],
    ['012345678905', { form: 'upca', text: '012345678905' }],
    ['10012345678902', { form: 'gtin14', text: '10012345678902' }],
    ['0306406152', { form: 'isbn', text: '0306406152' }],
    ['306406152', { form: 'isbn', text: '0306406152' }],
    ['80442957X', { form: 'isbn', text: '080442957X' }],
    [
      '12345678905',
      {
        form: 'upca',
        text: '012345678905',
        doubt: textMatching(/leading zeros restored/),
      },
    ],
  ] as const)('%s', ([text, guess]) => {
    expect(guessGtin(text)).toEqual(guess);
  });

  test('is refused if it is valid both as an isbn and as a upca', () => {
    fc.assert(
      fc.property(bodyDigits(8, 9), (body) => {
        const asIsbn = mod11CheckDigit(body.padStart(9, '0'));
        fc.pre(asIsbn === mod10CheckDigit(`${body}0`) && !/^0+$/.test(body));
        expect(guessGtin(body + asIsbn)).toEqual(refusal(textMatching(/valid both/)));
      }),
      { ...PROPERTY, numRuns: 200 },
    );
  });

  test('is valid in the form that was chosen, without invented digits', () => {
    fc.assert(
      fc.property(bodyDigits(5, 15), (code) => {
        const guess = guessGtin(code);
        if ('refusal' in guess) return;
        expect(readGtin(guess.form, code)).toMatchObject({ text: guess.text });
        expect(guess.text.replace(/^0+/, '')).toBe(code.replace(/^0+/, ''));
      }),
      PROPERTY,
    );
  });
});
