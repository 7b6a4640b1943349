/** Lists as tables or JSON, and the results of checks. */
import { styleText } from 'node:util';
import type { Finding } from '../store/driver.ts';
import type { CommandContext } from './context.ts';

/** One element of a list; its member names are the table's columns and the JSON's members. */
export type ListRecord = Readonly<Record<string, string | number | null | readonly string[]>>;

/** Prints a list on stdout: a table for people, or a JSON array for scripts. */
export function printList(
  context: CommandContext,
  columns: readonly string[],
  records: readonly ListRecord[],
  asJson: boolean,
): void {
  context.print(asJson ? JSON.stringify(records, null, 2) : formatTable(columns, records));
}

/** Pads each column to its longest cell; null and empty values are shown as `-`. */
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

/** A timestamp as lists show it, to the second. */
export function formatTime(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Prints the result of one check of a database. */
export function printFinding(context: CommandContext, { check, ok, detail }: Finding): void {
  const { stdout: stream } = context;
  context.print(
    ok
      ? `${styleText('green', 'ok   ', { stream })} ${check}`
      : `${styleText('red', 'WRONG', { stream })} ${check}: ${detail}`,
  );
}
