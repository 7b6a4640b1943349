import { styleText } from 'node:util';
import { Command } from 'commander';
import { inspectDatabase } from '../../databases.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption } from '../options.ts';

export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .summary('check a database')
    .description(
      'Checks that a database can be opened, has the current schema, is undamaged, and that its SKUs, inventory, ' +
        'changes and batches are consistent. It only reads, so a server can use the database meanwhile. ' +
        'Exits 1 if a check fails.',
    )
    .addOption(databaseOption(context))
    .addHelpText('after', '\nExample:\n  onhand doctor --database sqlite:/var/lib/onhand/onhand.db')
    .action(async ({ database }: { readonly database: string }) => {
      const { stdout: stream } = context;
      let failures = 0;
      for await (const { check, ok, detail } of inspectDatabase(database, context.settings())) {
        if (!ok) failures += 1;
        context.print(
          ok
            ? `${styleText('green', 'ok   ', { stream })} ${check}`
            : `${styleText('red', 'WRONG', { stream })} ${check}: ${detail}`,
        );
      }
      context.print(failures === 0 ? 'All checks passed.' : `${failures} of the checks failed.`);
      if (failures > 0) context.exitCode = 1;
    });
}
