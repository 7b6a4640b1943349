import { Command } from 'commander';
import { openStore, pendingMigrations } from '../../databases.ts';
import { databaseOption } from '../options.ts';
import { printLine, printNote } from '../output.ts';

interface MigrateOptions {
  readonly database: string;
  readonly dryRun?: boolean;
}

export function migrateCommand(): Command {
  return new Command('migrate')
    .summary("bring a database's schema up to this version of onhand")
    .description(
      'Brings the schema of a database up to what this version of onhand needs, each step in a transaction of its own. ' +
        'A server does the same when it starts. Nodes of the version before may go on beside it.',
    )
    .addOption(databaseOption())
    .option('--dry-run', 'print the SQL, and change nothing')
    .addHelpText('after', '\nExample:\n  onhand migrate --dry-run')
    .action(async ({ database, dryRun }: MigrateOptions) => {
      const { version, knownVersion, steps } = await pendingMigrations(database);
      if (dryRun === true) {
        for (const [i, sql] of steps.entries()) {
          printLine(`-- to schema version ${version + i + 1}\n${withoutMargin(sql)}\n`);
        }
        printNote(said(version, knownVersion, 'would be brought'));
        return;
      }
      await (await openStore(database)).close();
      printNote(said(version, knownVersion, 'was brought'));
    });
}

function said(version: number, knownVersion: number, what: string): string {
  return version === knownVersion
    ? `The schema has version ${version}, the newest that this onhand knows.`
    : `The schema ${what} from version ${version} to ${knownVersion}.`;
}

function withoutMargin(sql: string): string {
  return sql
    .split('\n')
    .map((line) => line.replace(/^ {2}/, '').trimEnd())
    .join('\n')
    .trim();
}
