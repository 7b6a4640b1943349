import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { stringify } from 'csv-stringify/sync';
import {
  AUDIT_ACTIONS,
  AUDIT_COLUMNS,
  auditCells,
  auditLine,
  type AuditEntry,
} from '../../domain/audit.ts';
import type { AuditQuery, AuditStore } from '../../store/store.ts';
import { requireDatabase, requireOrganization, withStore } from '../admin/accounts.ts';
import { onStopSignal, type CommandContext } from '../context.ts';
import { databaseOption, wholeNumberParser } from '../options.ts';
import { formatTable } from '../output.ts';

interface AuditOptions {
  readonly database: string;
  readonly organization?: string;
  readonly action?: string;
  readonly after?: number;
  readonly limit?: number;
  readonly follow?: true;
  readonly format: 'table' | 'ndjson' | 'csv';
}

const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER;
const TABLE_ENTRIES = 100;
/** Entries that are read at once. */
const PAGE_ENTRIES = 1000;
const FOLLOW_MS = 1000;

export function auditCommand(context: CommandContext): Command {
  return new Command('audit')
    .description(
      'Shows who did what to organizations, connections, users, passwords, tokens, sessions, limits, reading rules, webhooks and batches: the latest ' +
        'entries as a table, or all entries as NDJSON or CSV. "onhand doctor" checks that no entry was changed or removed.',
    )
    .addOption(databaseOption())
    .option('--organization <name>', 'only entries about this organization')
    .addOption(new Option('--action <action>', 'only entries of this kind').choices(AUDIT_ACTIONS))
    .addOption(
      new Option('--after <sequence>', 'only entries after this one').argParser(
        wholeNumberParser(0, SEQUENCE_MAX),
      ),
    )
    .addOption(
      new Option('--limit <number>', 'how many entries; 100 by default for a table').argParser(
        wholeNumberParser(1, SEQUENCE_MAX),
      ),
    )
    .option('--follow', 'wait for further entries, until Ctrl-C or SIGTERM')
    .addOption(
      new Option('--format <format>', 'how to print them')
        .choices(['table', 'ndjson', 'csv'])
        .default('table'),
    )
    .addHelpText('after', '\nExample:\n  onhand audit --format csv > audit.csv')
    .action(async (options: AuditOptions) => {
      requireDatabase(options.database);
      await withStore(context, options.database, async ({ accounts, audit }) => {
        const { organization: name } = options;
        const organization =
          name === undefined ? undefined : await requireOrganization(accounts, name);
        await show(context, audit, options, organization?.uuid);
      });
    });
}

async function show(
  context: CommandContext,
  audit: AuditStore,
  { action, after = 0, limit, follow, format }: AuditOptions,
  organizationUuid: string | undefined,
): Promise<void> {
  const filter = { organizationUuid, action };
  let last = after;
  const print = (entries: readonly AuditEntry[], isFirst: boolean): void => {
    last = entries.at(-1)?.sequence ?? last;
    const text = printed(entries, format, isFirst);
    if (text !== '') context.print(text);
  };
  if (format === 'table') {
    const query: AuditQuery = { ...filter, after, limit: limit ?? TABLE_ENTRIES, keep: 'last' };
    print(await audit.read(query), true);
  } else {
    for (let left = limit ?? Infinity, isFirst = true; left > 0; isFirst = false) {
      const wanted = Math.min(left, PAGE_ENTRIES);
      const entries = await audit.read({ ...filter, after: last, limit: wanted });
      print(entries, isFirst);
      left = entries.length < wanted ? 0 : left - entries.length;
    }
  }
  if (follow !== true) return;
  const stop = new AbortController();
  const release = onStopSignal(() => stop.abort());
  while (!stop.signal.aborted) {
    print(await audit.read({ ...filter, after: last, limit: PAGE_ENTRIES }), false);
    await sleep(FOLLOW_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  release();
}

/** A table of a terminal has no room for more. */
const SHOWN = AUDIT_COLUMNS.filter((column) => column !== 'request_id' && column !== 'hash');

function printed(
  entries: readonly AuditEntry[],
  format: AuditOptions['format'],
  isFirst: boolean,
): string {
  if (format === 'ndjson') return entries.map(auditLine).join('\n');
  const records = entries.map(auditCells);
  if (format === 'csv') {
    const rows = records.map((record) => AUDIT_COLUMNS.map((column) => record[column]));
    // A spreadsheet must not take a name for a formula.
    const options = { escape_formulas: true, eof: false };
    return stringify(isFirst ? [[...AUDIT_COLUMNS], ...rows] : rows, options);
  }
  const [head = '', ...rows] = formatTable(SHOWN, records).split('\n');
  return (isFirst ? [head, ...rows] : rows).join('\n');
}
