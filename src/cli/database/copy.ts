import { Command } from 'commander';
import { copyDatabases } from '../../databases.ts';
import type { CommandContext } from '../context.ts';
import { printList } from '../output.ts';

interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly json: boolean;
}

export function copyCommand(context: CommandContext): Command {
  return new Command('copy')
    .summary('copy everything from one database to another')
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
