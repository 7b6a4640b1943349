import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { remoteOptions } from '../remote/options.ts';
import { commandLineOf } from './command-line.ts';
import { isWorkbook, MTIME, STDIN_PATH, type PushOptions } from './options.ts';
import { optionOf, readingOptions, ruleParameters } from './reading-options.ts';

const RETRY_MINUTES_DEFAULT = 15;
const SETTLE_SECONDS_DEFAULT = 5;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const RESULTS_FILE = /\.results\.(csv|xlsx)$/i;

export function pushCommand(context: CommandContext): Command {
  const command = new Command('push')
    .description(
      'Sends inventory files or catalogues in any format that the server reads, waits until they are applied, ' +
        'and reports the result of each row. Sends several files one after another, in the given order. ' +
        'After an interruption, run the same command again to resume.',
    )
    .argument('<file...>', 'files to send; - means stdin')
    .option('--snapshot', 'set SKUs that the file does not contain to zero')
    .option('--atomic', 'apply a file only if all rows succeed')
    .option('--dry-run', 'show what would change and change nothing')
    .addOption(
      new Option(
        '--as-of <time>',
        "timestamp of the stock, such as 2026-11-23T06:00:00Z; or mtime for each file's modification time",
      ).argParser(parseTime),
    )
    .option('--reason <text>', 'why; stored with each file')
    .option('--reference <text>', 'your own reference; stored with each file')
    .option('--stream', 'send NDJSON row by row as it arrives (default for a pipe of NDJSON)')
    .option('--no-stream', 'send stdin as a file even if it is NDJSON')
    .option(
      '--results <file>',
      'write the results to this file, as a workbook if it ends in .xlsx (default: FILE.results.csv)',
    )
    .option('--no-results', 'do not write results')
    .option('--watch', 'send each file again whenever it changes, until Ctrl-C')
    .addOption(
      new Option(
        '--settle-seconds <number>',
        'with --watch: send a file once it is unchanged for this many seconds',
      )
        .default(SETTLE_SECONDS_DEFAULT)
        .argParser(parseNumber),
    )
    .addOption(
      new Option(
        '--retry-minutes <number>',
        'how long to keep retrying if the server does not respond',
      )
        .default(RETRY_MINUTES_DEFAULT)
        .argParser(parseNumber),
    )
    .option('--restart', 'send everything again instead of resuming an interrupted push')
    .option('--quiet', 'print nothing if all rows were applied')
    .addOption(new Option('--json', 'print the summary as JSON'));
  for (const option of [...readingOptions(), ...remoteOptions()]) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nExamples:\n  onhand push stock.csv --url https://stock.example.com --token-file token.txt\n' +
        '  onhand push stock.csv --locations sum --map "Free=quantity_in_stock,Misc=ignore"\n' +
        '\nA file that can be read in more than one way is held; the command prints how to answer.\n' +
        '\nExits 0 if all rows were applied, 1 on failure, 2 on a usage error, 3 if some rows failed,\n' +
        '4 if a file was rejected or held back, 5 if it failed partway, 130 on Ctrl-C.',
    )
    .action(async (paths: readonly string[], options: PushOptions) => {
      const conflict = conflictIn(paths, options);
      if (conflict !== undefined) command.error(`error: ${conflict}`);
      const { PushSession } = await import('./session.ts');
      const session = await PushSession.open(context, options, (path, answer) =>
        commandLineOf(
          command,
          path,
          answer.map(([rule, value]) => [optionOf(rule), value]),
        ),
      );
      await session.start(paths.filter((path) => !isResultsFile(context, path)));
    });
}

function parseTime(text: string): string {
  if (text === MTIME || TIMESTAMP.test(text)) return text;
  throw new InvalidArgumentError(`Must be a timestamp such as 2026-11-23T06:00:00Z, or ${MTIME}.`);
}

function parseNumber(text: string): number {
  if (/^[0-9]{1,6}(\.[0-9]+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Must be a number of at least 0.');
}

/** Options that cannot be combined. */
function conflictIn(paths: readonly string[], options: PushOptions): string | undefined {
  const stdins = paths.filter((path) => path === STDIN_PATH).length;
  const { results, watch, stream, snapshot, atomic, tokenFile, asOf, catalogue, kind } = options;
  if (stdins > 1) return 'stdin can be sent only once.';
  if (stdins > 0 && tokenFile === STDIN_PATH) return 'stdin cannot be both the token and a file.';
  if (stdins > 0 && watch === true) return 'stdin cannot be watched.';
  if (stream === true && (snapshot === true || atomic === true))
    return '--snapshot and --atomic need the whole file: omit --stream.';
  if (stream === true && Object.keys(ruleParameters(options)).length > 0)
    return 'A stream is JSON lines, which no option about reading files applies to: omit --stream.';
  if (catalogue === true && kind !== 'catalogue') return '--catalogue and --kind contradict.';
  if (stream === true && watch === true) return '--watch sends whole files: omit --stream.';
  if (asOf === MTIME && (stdins > 0 || stream === true))
    return '--as-of mtime needs a file, not stdin or a stream.';
  if (typeof results !== 'string') return undefined;
  if (paths.some((path) => resolve(path) === resolve(results)))
    return '--results would overwrite the file to send.';
  if (paths.length > 1) return '--results cannot be used with several files.';
  if (stream === true && isWorkbook(results))
    return 'The results of a stream are CSV: --results cannot end in .xlsx.';
  return undefined;
}

/** The results of an earlier push are beside the files, and `*.csv` matches them too. */
function isResultsFile(context: CommandContext, path: string): boolean {
  if (!RESULTS_FILE.test(path)) return false;
  context.note(`onhand: skipped ${path}: it contains the results of an earlier push.`);
  return true;
}
