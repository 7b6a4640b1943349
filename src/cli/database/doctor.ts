import { Command } from 'commander';
import pc from 'picocolors';
import { inspectDatabase } from '../../databases.ts';
import { databaseOption } from '../options.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('check a database')
    .description(
      'Checks that a database opens, is migrated and undamaged, and that what its tables say of ' +
        'SKUs, inventory, changes and batches agrees. Only reads, so a server may go on beside it. ' +
        'Exits 1 when something is wrong.',
    )
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand doctor --database sqlite:/var/lib/onhand/onhand.db')
    .action(async ({ database }: { readonly database: string }) => {
      let wrong = 0;
      for await (const { check, ok, detail } of inspectDatabase(database)) {
        if (!ok) wrong += 1;
        process.stdout.write(
          ok ? `${pc.green('ok   ')} ${check}\n` : `${pc.red('WRONG')} ${check}: ${detail}\n`,
        );
      }
      process.stdout.write(
        wrong === 0 ? 'Nothing is wrong.\n' : `${wrong} of the checks failed.\n`,
      );
      if (wrong > 0) process.exitCode = 1;
    });
}
