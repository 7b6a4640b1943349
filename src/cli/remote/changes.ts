import { Command, Option } from 'commander';
import type { ChangeRecord, Onhand } from '../../../client/src/index.ts';
import { onStopSignal, type CommandContext } from '../context.ts';
import { withServer } from './client.ts';
import { remoteOptions, type RemoteOptions } from './options.ts';

interface ChangesOptions extends RemoteOptions {
  readonly from: 'start' | 'now';
  readonly after?: string;
  readonly follow?: true;
}

export function changesCommand(context: CommandContext): Command {
  const command = new Command('changes')
    .description(
      'Reads the change feed of a server: one JSON object per line, oldest change first. A supplier reads its own ' +
        'changes, a retailer those of its suppliers. Prints the cursor to resume from on stderr at the end.',
    )
    .addOption(
      new Option(
        '--from <place>',
        'where to start: at the oldest stored change, or at the next one',
      )
        .choices(['start', 'now'])
        .default('start'),
    )
    .option('--after <cursor>', 'resume from this cursor, instead of --from')
    .option('--follow', 'wait for further changes, until Ctrl-C or SIGTERM');
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText('after', '\nExample:\n  onhand changes --follow --from now --token-file token.txt')
    .action(async (options: ChangesOptions) => {
      await withServer(context, options, (onhand) => read(context, onhand, options));
    });
}

async function read(
  context: CommandContext,
  onhand: Onhand,
  { from, after, follow }: ChangesOptions,
): Promise<void> {
  let cursor = after;
  const printCursor = (): void => {
    if (cursor !== undefined) context.note(`Resume with --after ${cursor}`);
  };
  const release = onStopSignal(() => {
    printCursor();
    process.exit(0);
  });
  const print = (records: readonly ChangeRecord[]): void => {
    for (const record of records) context.print(JSON.stringify(record));
  };
  const keep = {
    load: () => Promise.resolve(cursor),
    save: (saved: string) => {
      cursor = saved;
      return Promise.resolve();
    },
  };
  try {
    if (follow === true) await onhand.changes.consume(print, keep, { from });
    for (let hasMore = true; hasMore;) {
      const page = await onhand.changes.read(cursor === undefined ? { from } : { after: cursor });
      print(page.records);
      ({ cursor, has_more: hasMore } = page);
    }
    printCursor();
  } finally {
    release();
  }
}
