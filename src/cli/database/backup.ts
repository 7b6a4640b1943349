import { resolve } from 'node:path';
import { Command } from 'commander';
import { backUpDatabase } from '../../databases.ts';
import { databaseOption } from '../options.ts';
import { printLine } from '../output.ts';
import { ProgressBar } from '../progress.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .summary('copy a database into a file, while it is served')
    .description(
      'Copies an SQLite database, as it is at this moment, into a new file, which is checked and on the disk when ' +
        'the command ends. A server may go on beside it. The file is a database like the first: to restore it, stop ' +
        'the server, put the file in the place of the database, remove what lies beside that with the endings -wal and -shm, ' +
        'and start the server again. PostgreSQL has tools of its own for this: pg_dump and pg_basebackup.',
    )
    .argument('<file>', 'the file to make; it must not be there')
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand backup /backups/onhand-$(date +%F).db')
    .action(async (file: string, { database }: { readonly database: string }) => {
      const bar = new ProgressBar();
      try {
        await backUpDatabase(database, resolve(file), (copied, total) =>
          bar.show('copying', copied, total),
        );
      } finally {
        bar.stop();
      }
      printLine(`Backed up to ${resolve(file)}.`);
    });
}
