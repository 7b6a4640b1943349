/** Text formats that are often sent but not supported, and what to send instead. */

interface UnsupportedText {
  readonly is: (head: string) => boolean;
  /** What the file is and what to do, to follow "The file". */
  readonly what: string;
}

const INSTEAD = 'send X12 846, EDIFACT INVRPT, CSV or an Excel workbook (.xlsx)';

const UNSUPPORTED: readonly UnsupportedText[] = [
  {
    // Separators of X12; a table has | behind a header, but no number follows.
    is: (head) =>
      /^(?:ST(?:[*~^]|[^\P{Cc}\t\r\n]|\|(?=[0-9]))[0-9]{3}|(?:GS(?=.[A-Z]{2})|BIA)(?:[*~^|]|[^\P{Cc}\t\r\n]))/u.test(
        head,
      ),
    what: 'is X12 without its envelope, whose counts show that nothing was lost; send it from ISA to IEA, with GS and GE around the transaction sets',
  },
  {
    is: (head) => /^(?:UNG|UNH|BGM)\+/.test(head),
    what: 'is EDIFACT without its envelope, whose counts show that nothing was lost; send it from UNB to UNZ',
  },
  { is: (head) => head.startsWith('STX='), what: `is TRADACOMS; ${INSTEAD}` },
  {
    is: (head) => /^EDI_DC(?:40)?\b/.test(head) || /<(?:EDI_DC40|IDOC)\b/.test(xml(head)),
    what: `is an SAP IDoc; ${INSTEAD}`,
  },
  {
    is: (head) => /<(?:!DOCTYPE )?cXML\b/.test(xml(head)),
    what: `is cXML; ${INSTEAD}`,
  },
  {
    is: (head) => /^<(?:[?!a-z])/i.test(head),
    what: 'is XML or a web page, whatever its name says; save it as CSV or as an Excel workbook (.xlsx)',
  },
  {
    is: isFixedWidth,
    what: 'has columns of a fixed width; save it as CSV, whose cells are separated, or as an Excel workbook (.xlsx)',
  },
];

/** What is wrong with a file that begins like this, to follow "The file"; undefined if nothing is known. */
export function unsupportedText(head: string): string | undefined {
  return UNSUPPORTED.find(({ is }) => is(head))?.what;
}

/** How much of an XML document is searched for its root. */
const XML_CHARACTERS = 4096;

/** The beginning of an XML document; empty for other texts. */
function xml(head: string): string {
  return head.startsWith('<') ? head.slice(0, XML_CHARACTERS) : '';
}

/** How many lines a text needs before their likeness says anything, and how many are compared. */
const LINES_MIN = 2;
const LINES_MAX = 20;
/** Lines of the same length have columns of a fixed width if they are this long. */
const LINE_CHARACTERS_MIN = 30;

/** Whether no line has a separator, and all have gaps or are as long as each other. */
function isFixedWidth(head: string): boolean {
  const lines = head
    .split(/\r?\n/, LINES_MAX + 1)
    .slice(0, LINES_MAX)
    .filter((line) => line.trim() !== '');
  const [first = ''] = lines;
  if (lines.length < LINES_MIN || lines.some((line) => /[,;\t|]/.test(line))) return false;
  return (
    lines.every((line) => /\S {2,}\S/.test(line)) ||
    (first.length >= LINE_CHARACTERS_MIN && lines.every(({ length }) => length === first.length))
  );
}
