import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { printNote } from '../output.ts';
import { MTIME, PushSession, type PushOptions } from './session.ts';
import { isWorkbook } from './results.ts';
import { STDIN_PATH } from './source.ts';
import { remoteOptions } from '../remote/client.ts';

const RETRY_MINUTES_DEFAULT = 15;
const SETTLE_SECONDS_DEFAULT = 5;
const TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const OWN_RESULTS = /\.results\.(csv|xlsx)$/i;

export function pushCommand(): Command {
  const command = new Command('push')
    .summary("send files of inventory: the supplier's own tool")
    .description(
      'Sends files of inventory, or catalogues, in any format that the server reads, waits until they are ' +
        'applied, and says what became of each row. Several files are sent one after another in the order ' +
        'given. What is interrupted, the same command goes on with.',
    )
    .argument('<file...>', 'the files; - is stdin')
    .option(
      '--snapshot',
      'a file is all that there is: SKUs that it does not name go to zero in stock',
    )
    .option('--atomic', 'apply no row of a file if any fails')
    .option('--dry-run', 'say what would change, and change nothing')
    .addOption(
      new Option(
        '--as-of <time>',
        'of when the files are, as 2026-11-23T06:00:00Z; or mtime, when each was last changed',
      ).argParser(parseTime),
    )
    .option('--reason <text>', 'why; told with each file')
    .option('--reference <text>', 'what you call it; told with each file')
    .option('--stream', 'send NDJSON row by row as it comes; so is a pipe of NDJSON')
    .option('--no-stream', 'send stdin as a file, whatever it is')
    .option(
      '--results <file>',
      'where the results go, .xlsx for a workbook (default: FILE.results.csv)',
    )
    .option('--no-results', 'write no results')
    .option('--watch', 'send each file again whenever it has changed, until Ctrl-C')
    .addOption(
      new Option(
        '--settle-seconds <number>',
        'with --watch: how long a file must have stayed as it is',
      )
        .default(SETTLE_SECONDS_DEFAULT)
        .argParser(parseNumber),
    )
    .addOption(
      new Option('--retry-minutes <number>', 'how long to bear with a server that does not answer')
        .default(RETRY_MINUTES_DEFAULT)
        .argParser(parseNumber),
    )
    .option('--restart', 'send all again, also what an interrupted push has sent')
    .option('--quiet', 'say nothing where all rows were applied')
    .addOption(new Option('--json', 'print the summary as JSON'));
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nExample:\n  onhand push stock.csv --url https://stock.example.com --token-file token.txt\n' +
        '\nExits 0 when all rows were applied, 1 when it could not be done, 2 when not understood, 3 when ' +
        'some rows failed,\n4 when a file was refused or held back, 5 when it broke off midway, 130 on Ctrl-C.',
    )
    .action(async (paths: readonly string[], options: PushOptions) => {
      const fault = faultIn(paths, options);
      if (fault !== undefined) command.error(`error: ${fault}`);
      await new PushSession(options).start(paths.filter(isToBeSent));
    });
}

function parseTime(text: string): string {
  if (text === MTIME || TIME.test(text)) return text;
  throw new InvalidArgumentError(`A time such as 2026-11-23T06:00:00Z, or ${MTIME}, is needed.`);
}

function parseNumber(text: string): number {
  if (/^[0-9]{1,6}(\.[0-9]+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A number from 0 is needed.');
}

/** What cannot go together. */
function faultIn(paths: readonly string[], options: PushOptions): string | undefined {
  const stdins = paths.filter((path) => path === STDIN_PATH).length;
  const { results, watch, stream, snapshot, atomic, tokenFile, asOf } = options;
  if (stdins > 1) return 'stdin can be sent once.';
  if (stdins > 0 && tokenFile === STDIN_PATH) return 'stdin cannot be the token and a file.';
  if (stdins > 0 && watch === true) return 'stdin cannot be watched.';
  if (stream === true && (snapshot === true || atomic === true))
    return '--snapshot and --atomic judge a whole file: send it without --stream.';
  if (stream === true && watch === true) return '--watch sends files, and cannot be with --stream.';
  if (asOf === MTIME && (stdins > 0 || stream === true)) return '--as-of mtime is for files.';
  if (typeof results !== 'string') return undefined;
  if (paths.some((path) => resolve(path) === resolve(results)))
    return '--results would overwrite the file that is sent.';
  if (paths.length > 1) return '--results names the results of one file.';
  if (stream === true && isWorkbook(results)) return 'The results of a stream are CSV.';
  return undefined;
}

/** Results of an earlier push lie beside the files, and `*.csv` names them too. */
function isToBeSent(path: string): boolean {
  if (!OWN_RESULTS.test(path)) return true;
  printNote(`onhand: ${path} are results, and are not sent.`);
  return false;
}
