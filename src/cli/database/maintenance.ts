import { Command, Option } from 'commander';
import {
  inspectDatabase,
  openAdminStore,
  distributeDatabase,
  pendingMigrations,
  copyDatabases,
} from '../../databases.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption } from '../options.ts';
import { printFinding, printList } from '../output.ts';

export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .description(
      'Checks that a database can be opened, has the current schema, is undamaged, and that its SKUs, inventory, ' +
        'changes and batches are consistent. It only reads, so a server can use the database meanwhile. ' +
        'Exits 1 if a check fails.',
    )
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand doctor --database sqlite:/var/lib/onhand/onhand.db')
    .action(async ({ database }: { readonly database: string }) => {
      let failures = 0;
      for await (const finding of inspectDatabase(database, context.settings())) {
        if (!finding.ok) failures += 1;
        printFinding(context, finding);
      }
      context.print(failures === 0 ? 'All checks passed.' : `${failures} of the checks failed.`);
      if (failures > 0) context.exitCode = 1;
    });
}

interface MigrateOptions {
  readonly database: string;
  readonly dryRun?: boolean;
  readonly distribute?: 'citus';
}

export function migrateCommand(context: CommandContext): Command {
  return new Command('migrate')
    .description(
      "Migrates a database's schema to this version of onhand, each step in its own transaction. " +
        'A server does the same when it starts. Nodes of the previous version can keep running.\n\n' +
        'With --distribute, then distributes the database by supplier over the workers of a Citus cluster, with the ' +
        'rows that it has, in one transaction. Stop all servers first. It can be repeated.',
    )
    .addOption(databaseOption())
    .option('--dry-run', 'print the SQL and change nothing')
    .addOption(
      new Option('--distribute <extension>', 'distribute the database over a cluster').choices([
        'citus',
      ]),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  onhand migrate --dry-run\n  onhand migrate --distribute citus',
    )
    .action(async ({ database, dryRun, distribute }: MigrateOptions) => {
      const settings = context.settings();
      const { version, knownVersion, steps } = await pendingMigrations(database, settings);
      if (dryRun === true) {
        for (const [i, sql] of steps.entries()) {
          context.print(`-- to schema version ${version + i + 1}\n${withoutMargin(sql)}\n`);
        }
        context.note(summaryText(version, knownVersion, 'would be migrated'));
      } else {
        await (await openAdminStore(database, settings)).close();
        context.note(summaryText(version, knownVersion, 'was migrated'));
      }
      if (distribute === undefined) return;
      const statements = await distributeDatabase(database, settings, { dryRun: dryRun === true });
      for (const sql of statements) context.print(`${sql};`);
      if (statements.length === 0) context.note('The database is distributed already.');
      else if (dryRun === true)
        context.note('The database would be distributed by these statements.');
      else context.note('The database was distributed by these statements.');
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

interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly json: boolean;
}

export function copyCommand(context: CommandContext): Command {
  return new Command('copy')
    .description(
      'Copies everything from one database to another, of either kind, and compares every row. The target ' +
        'must be empty; a PostgreSQL database must exist. Stop everything that writes to the source first. ' +
        'After an interruption, run the same command again to resume. A server refuses the target until the copy is complete.',
    )
    .requiredOption(
      '--from <url>',
      'database to copy from, as sqlite:PATH or postgres://… (required)',
    )
    .requiredOption('--to <url>', 'database to copy to (required)')
    .option('--json', 'print the copied tables as JSON', false)
    .addHelpText(
      'after',
      '\nExample:\n  onhand copy --from sqlite:./onhand.db --to postgres://onhand@db.example.com/onhand',
    )
    .action(async ({ from, to, json }: CopyOptions) => {
      const { ProgressBar } = await import('../progress.ts');
      const bar = new ProgressBar(context);
      try {
        const copied = await copyDatabases(
          from,
          to,
          ({ phase, rows, totalRows }) => bar.show(phase, rows, totalRows),
          context.settings(),
        );
        bar.stop();
        printList(
          context,
          ['table', 'rows', 'sha256'],
          copied.map(({ table, rows, sha256 }) => ({ table, rows, sha256 })),
          json,
        );
        context.note('Everything was copied, and every row was compared.');
      } finally {
        bar.stop();
      }
    });
}
