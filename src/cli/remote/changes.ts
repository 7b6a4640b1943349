import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { OnhandError } from '../../domain/errors.ts';
import { ResponseObject } from './response.ts';
import { printLine, printNote } from '../output.ts';
import { Remote, RemoteRefusal, remoteOptions, type RemoteOptions } from './client.ts';

const CHANGES_PATH = '/timp/products/skus/inventory/changes/';
/** How long the server waits for a change before it answers that there is none. */
const WAIT_SECONDS = 30;
const RETRY_FIRST_MS = 1000;
const RETRY_LAST_MS = 30_000;

interface ChangesOptions extends RemoteOptions {
  readonly from: string;
  readonly after?: string;
  readonly follow?: true;
}

export function changesCommand(): Command {
  const command = new Command('changes')
    .summary('read changes of inventory, and follow them')
    .description(
      'Asks a server for changes of inventory, one JSON object a line, the oldest first: of a supplier its own, ' +
        'of a retailer those of its suppliers. Ends with the cursor to go on from, on stderr.',
    )
    .addOption(
      new Option('--from <place>', 'where to begin: at the first changes kept, or at those to come')
        .choices(['start', 'now'])
        .default('start'),
    )
    .option('--after <cursor>', 'go on from a cursor, instead of --from')
    .option('--follow', 'wait for changes to come, until Ctrl-C or SIGTERM');
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText('after', '\nExample:\n  onhand changes --follow --from now --token-file token.txt')
    .action(async (options: ChangesOptions) => {
      await read(new Remote(options), options);
    });
}

async function read(remote: Remote, { from, after, follow }: ChangesOptions): Promise<void> {
  const wait = follow === true ? WAIT_SECONDS : 0;
  let cursor = after;
  const end = (): void => {
    if (cursor !== undefined) printNote(`Go on with --after ${cursor}`);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      end();
      process.exit(0);
    });
  }
  for (;;) {
    const place = new URLSearchParams(cursor === undefined ? { from } : { after: cursor });
    const path = `${CHANGES_PATH}?${place.toString()}&wait=${wait}`;
    const page = new ResponseObject(
      await (follow === true ? askUntilAnswered(remote, path) : remote.ask('GET', path)),
    );
    for (const record of page.list('records')) printLine(JSON.stringify(record));
    cursor = String(page.scalar('cursor'));
    if (follow !== true && !page.flag('has_more')) break;
  }
  end();
}

/** Asks again, ever less often, while the server cannot be reached or takes nothing on. */
async function askUntilAnswered(remote: Remote, path: string): Promise<unknown> {
  for (let delayMs = RETRY_FIRST_MS; ; delayMs = Math.min(delayMs * 2, RETRY_LAST_MS)) {
    try {
      return await remote.ask('GET', path);
    } catch (error) {
      if (!(error instanceof OnhandError)) throw error;
      if (error instanceof RemoteRefusal && error.status < 500 && error.status !== 429) throw error;
      printNote(`${error.message} Trying again in ${delayMs / 1000} s.`);
      await delay(delayMs);
    }
  }
}
