import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { OnhandError } from '../../domain/errors.ts';
import { onStopSignal, type CommandContext } from '../context.ts';
import {
  connect,
  remoteOptions,
  RemoteRefusal,
  type Remote,
  type RemoteOptions,
} from './client.ts';
import { ResponseObject } from './response.ts';

const CHANGES_PATH = '/timp/products/skus/inventory/changes/';
/** How long the server waits for a change before it responds without one. */
const WAIT_SECONDS = 30;
const RETRY_FIRST_MS = 1000;
const RETRY_LAST_MS = 30_000;

interface ChangesOptions extends RemoteOptions {
  readonly from: string;
  readonly after?: string;
  readonly follow?: true;
}

export function changesCommand(context: CommandContext): Command {
  const command = new Command('changes')
    .summary('read the change feed, and follow it')
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
  for (const option of remoteOptions(context)) command.addOption(option);
  return command
    .addHelpText('after', '\nExample:\n  onhand changes --follow --from now --token-file token.txt')
    .action(async (options: ChangesOptions) => {
      await read(context, await connect(context, options), options);
    });
}

async function read(
  context: CommandContext,
  remote: Remote,
  { from, after, follow }: ChangesOptions,
): Promise<void> {
  const wait = follow === true ? WAIT_SECONDS : 0;
  let cursor = after;
  const printCursor = (): void => {
    if (cursor !== undefined) context.note(`Resume with --after ${cursor}`);
  };
  const release = onStopSignal(() => {
    printCursor();
    process.exit(0);
  });
  try {
    for (;;) {
      const place = new URLSearchParams(cursor === undefined ? { from } : { after: cursor });
      const path = `${CHANGES_PATH}?${place.toString()}&wait=${wait}`;
      const page = new ResponseObject(
        await (follow === true ? askWithRetries(context, remote, path) : remote.ask('GET', path)),
      );
      for (const record of page.list('records')) context.print(JSON.stringify(record));
      cursor = String(page.scalar('cursor'));
      if (follow !== true && !page.flag('has_more')) break;
    }
    printCursor();
  } finally {
    release();
  }
}

/** Retries with increasing delays while the server cannot be reached or is overloaded. */
async function askWithRetries(
  context: CommandContext,
  remote: Remote,
  path: string,
): Promise<unknown> {
  for (let delayMs = RETRY_FIRST_MS; ; delayMs = Math.min(delayMs * 2, RETRY_LAST_MS)) {
    try {
      return await remote.ask('GET', path);
    } catch (error) {
      if (!(error instanceof OnhandError)) throw error;
      if (error instanceof RemoteRefusal && error.status < 500 && error.status !== 429) throw error;
      context.note(`${error.message} Retrying in ${delayMs / 1000} s.`);
      await delay(delayMs);
    }
  }
}
