import { Command } from 'commander';
import { copyDatabases } from '../../databases.ts';
import { printList, printNote } from '../output.ts';
import { ProgressBar } from '../progress.ts';

interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly json: boolean;
}

export function copyCommand(): Command {
  return new Command('copy')
    .summary('carry everything from one database to another')
    .description(
      'Carries everything from one database to another of whichever kind, and compares every row. The database to copy to ' +
        'must be empty; on PostgreSQL it must be there. Stop what writes to the source first. A copy that was broken ' +
        'off goes on where it was when the same command runs again; until it has ended, nobody can serve it.',
    )
    .requiredOption(
      '--from <url>',
      'database to copy from, as sqlite:PATH or postgres://… (required)',
    )
    .requiredOption('--to <url>', 'database to copy to (required)')
    .option('--json', 'print what was copied as JSON', false)
    .addHelpText(
      'after',
      '\nExample:\n  onhand copy --from sqlite:./onhand.db --to postgres://onhand@db.example.com/onhand',
    )
    .action(async ({ from, to, json }: CopyOptions) => {
      const bar = new ProgressBar();
      try {
        const copied = await copyDatabases(from, to, ({ phase, rows, totalRows }) =>
          bar.show(phase, rows, totalRows),
        );
        bar.stop();
        printList(
          ['table', 'rows', 'sha256'],
          copied.map(({ table, rows, sha256 }) => ({ table, rows, sha256 })),
          json,
        );
        printNote('Everything was copied, and every row compared.');
      } finally {
        bar.stop();
      }
    });
}
