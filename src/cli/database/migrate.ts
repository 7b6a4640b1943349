import { Command } from 'commander';
import { openStore, pendingMigrations } from '../../databases.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption } from '../options.ts';

interface MigrateOptions {
  readonly database: string;
  readonly dryRun?: boolean;
}

export function migrateCommand(context: CommandContext): Command {
  return new Command('migrate')
    .summary("migrate a database's schema to this version of onhand")
    .description(
      "Migrates a database's schema to this version of onhand, each step in its own transaction. " +
        'A server does the same when it starts. Nodes of the previous version can keep running.',
    )
    .addOption(databaseOption(context))
    .option('--dry-run', 'print the SQL and change nothing')
    .addHelpText('after', '\nExample:\n  onhand migrate --dry-run')
    .action(async ({ database, dryRun }: MigrateOptions) => {
      const settings = context.settings();
      const { version, knownVersion, steps } = await pendingMigrations(database, settings);
      if (dryRun === true) {
        for (const [i, sql] of steps.entries()) {
          context.print(`-- to schema version ${version + i + 1}\n${withoutMargin(sql)}\n`);
        }
        context.note(summaryText(version, knownVersion, 'would be migrated'));
        return;
      }
      await (await openStore(database, settings)).close();
      context.note(summaryText(version, knownVersion, 'was migrated'));
    });
}

function summaryText(version: number, knownVersion: number, what: string): string {
  return version === knownVersion
    ? `The schema has version ${version}, the newest that this version of onhand supports.`
    : `The schema ${what} from version ${version} to ${knownVersion}.`;
}

function withoutMargin(sql: string): string {
  return sql
    .split('\n')
    .map((line) => line.replace(/^ {2}/, '').trimEnd())
    .join('\n')
    .trim();
}
