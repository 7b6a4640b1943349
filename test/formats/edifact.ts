/** How an interchange is written. */
export interface EdifactWriting {
  /** UNA: component, element, decimal mark, release, reserved and segment end; null for none. */
  readonly una?: string | null;
  readonly characterSet?: string;
  readonly release?: string;
  /** Put behind each segment. */
  readonly lineBreak?: string;
}

/** A message INVRPT with the elements and components of its segments written as `+` and `:`. */
export function message(
  segments: readonly string[],
  {
    reference = '1',
    release = '96A',
  }: { readonly reference?: string; readonly release?: string } = {},
): readonly string[] {
  const inside = ['BGM+35+INV-1+9', 'DTM+137:202611230915:203', ...segments];
  return [
    `UNH+${reference}+INVRPT:D:${release}:UN`,
    ...inside,
    `UNT+${inside.length + 2}+${reference}`,
  ];
}

/** An interchange of these messages; texts in their segments are released by the caller. */
export function interchangeOf(
  messages: readonly (readonly string[])[],
  { una = null, characterSet = 'UNOC', lineBreak = '\n' }: EdifactWriting = {},
): string {
  const segments = [
    `UNB+${characterSet}:3+4012345000009:14+ACME:ZZ+261123:0915+42`,
    ...messages.flat(),
    `UNZ+${messages.length}+42`,
  ];
  const [component = ':', element = '+', , release = '?', , end = "'"] = una ?? ":+.? '";
  const written = (text: string): string =>
    text.replaceAll(/\?.|[+:]/gs, (one) =>
      one === '+' ? element : one === ':' ? component : release + one.slice(1),
    );
  return (
    (una === null ? '' : `UNA${una}`) +
    segments.map((text) => written(text) + end + lineBreak).join('')
  );
}

/** An interchange with one message. */
export function report(segments: readonly string[], writing: EdifactWriting = {}): string {
  return interchangeOf([message(segments, writing)], writing);
}
