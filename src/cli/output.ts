/** One thing in a list, by the names that both the table and the JSON show. */
export type ListRecord = Readonly<Record<string, string | number | null | readonly string[]>>;

/** Prints a list on stdout: as a table for people, or as a JSON array for scripts. */
export function printList(
  columns: readonly string[],
  records: readonly ListRecord[],
  asJson: boolean,
): void {
  printLine(asJson ? JSON.stringify(records, null, 2) : formatTable(columns, records));
}

/** Columns are padded to their longest cell; what is null or empty is shown as `-`. */
export function formatTable(columns: readonly string[], records: readonly ListRecord[]): string {
  const cells = [
    columns.map((column) => column.toUpperCase().replaceAll('_', ' ')),
    ...records.map((record) => columns.map((column) => formatCell(record[column] ?? null))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function formatCell(value: ListRecord[string]): string {
  const text = typeof value === 'object' && value !== null ? value.join(',') : String(value ?? '');
  return text === '' ? '-' : text;
}

/** An instant as lists show it; null where there is none. */
export function formatTime(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** What a command was asked for. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What is said beside it, so that stdout stays fit for scripts. */
export function printNote(line: string): void {
  process.stderr.write(`${line}\n`);
}
