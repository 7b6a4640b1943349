const LINE = /^(.+)=\s*([0-9]{1,10})$/;

/** Words and their quantities, one in a line; undefined if a line is none. */
export function readWords(text: string): Readonly<Record<string, number>> | undefined {
  const words: Record<string, number> = {};
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const [, word = '', quantity] = LINE.exec(line) ?? [];
    if (quantity === undefined || word.trim() === '') return undefined;
    words[word.trim()] = Number(quantity);
  }
  return words;
}

/** The rule `words`, such as `in stock=10,"a, b"=2`, one word in a line. */
export function printWords(rule: string): string {
  const pairs = rule.match(/(?:"(?:[^"]|"")*"|[^",])+/g) ?? [];
  return pairs
    .map((pair) => {
      const equals = pair.lastIndexOf('=');
      const word = pair.slice(0, equals).trim();
      const plain = word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word;
      return `${plain} = ${pair.slice(equals + 1).trim()}`;
    })
    .join('\n');
}
