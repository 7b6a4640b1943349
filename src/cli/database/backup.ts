import { resolve } from 'node:path';
import { Command } from 'commander';
import { backUpDatabase } from '../../databases.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption } from '../options.ts';

export function backupCommand(context: CommandContext): Command {
  return new Command('backup')
    .summary('copy an SQLite database into a new file while it is in use')
    .description(
      'Copies an SQLite database, as of one moment, into a new file. A server can use the database meanwhile. ' +
        'When the command ends, the copy is checked and on disk.\n\n' +
        'To restore: stop the server, delete the database with its -wal and -shm files, move the copy to its ' +
        'path, and start the server. For PostgreSQL, use pg_dump or pg_basebackup instead.',
    )
    .argument('<file>', 'the file to create; must not exist')
    .addOption(databaseOption(context))
    .addHelpText('after', '\nExample:\n  onhand backup /backups/onhand-$(date +%F).db')
    .action(async (file: string, { database }: { readonly database: string }) => {
      const { ProgressBar } = await import('../progress.ts');
      const bar = new ProgressBar(context);
      try {
        await backUpDatabase(
          database,
          resolve(file),
          (copied, total) => bar.show('copying', copied, total),
          context.settings(),
        );
      } finally {
        bar.stop();
      }
      context.print(`Backed up to ${resolve(file)}.`);
    });
}
