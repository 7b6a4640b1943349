/** How an interchange is written. */
export interface X12Writing {
  readonly element?: string;
  readonly component?: string;
  readonly segment?: string;
  /** ISA12 and GS08: `00401` and `004010`, `00501` and `005010`. */
  readonly release?: '4010' | '5010';
  /** Put behind each segment. */
  readonly lineBreak?: string;
}

/**
 * An interchange with one transaction set 846 of these segments, each written with `*`. What stands
 * between ST and SE is counted.
 */
export function interchange(segments: readonly string[], writing: X12Writing = {}): string {
  return envelope([set846(segments)], writing);
}

/** A transaction set with its ST, BIA and SE. */
export function set846(segments: readonly string[], control = '0001'): readonly string[] {
  const inside = ['BIA*00*MB*INV-1*20261123*0915', ...segments];
  return [`ST*846*${control}`, ...inside, `SE*${inside.length + 2}*${control}`];
}

/** An interchange of one group with these transaction sets. */
export function envelope(sets: readonly (readonly string[])[], writing: X12Writing = {}): string {
  const { element = '*', component = '>', segment = '~', lineBreak = '\n' } = writing;
  const { release = '4010' } = writing;
  const [standard, version] =
    release === '4010' ? ['U', '00401'] : [element === '^' ? '|' : '^', '00501'];
  const isa = [
    `ISA*00*${' '.repeat(10)}*00*${' '.repeat(10)}*ZZ*${'ACME'.padEnd(15)}*12*${'5551234567'.padEnd(15)}`,
    `261123*0915*${standard}*${version}*000000042*0*P*${component}`,
  ];
  const segments = [
    isa.join('*'),
    `GS*IB*ACME*5551234567*20261123*0915*7*X*00${release}`,
    ...sets.flat(),
    `GE*${sets.length}*7`,
    'IEA*1*000000042',
  ];
  return segments.map((text) => text.replaceAll('*', element) + segment + lineBreak).join('');
}
