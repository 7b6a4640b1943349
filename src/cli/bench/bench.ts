import { Command, InvalidArgumentError, Option } from 'commander';
import { jsonOption } from '../admin/accounts.ts';
import { runLoad, type LoadFigures, type LoadShape } from './load.ts';
import { BenchServer } from './server.ts';
import { BENCH_PREFIX, prepareSkus, putAwaySkus } from './skus.ts';
import { printList, printNote, type ListRecord } from '../output.ts';
import { remoteOptions, type RemoteOptions } from '../remote/client.ts';
import { stopAsked } from '../serve/serve.ts';

interface BenchOptions extends RemoteOptions {
  readonly seconds: number;
  readonly skus: number;
  readonly json?: true;
}

const SECONDS_DEFAULT = 5;
const SECONDS_MAX = 3600;
const SKUS_DEFAULT = 10_000;
const SKUS_MAX = 1_000_000;

const SHAPES: readonly LoadShape[] = [
  { linesPerRequest: 0, connections: 64 },
  { linesPerRequest: 1, connections: 64 },
  { linesPerRequest: 100, connections: 10 },
  { linesPerRequest: 1000, connections: 10 },
  { linesPerRequest: 10_000, connections: 4 },
];
const CONNECTIONS_MAX = Math.max(...SHAPES.map(({ connections }) => connections));

/** From here on what was measured may be the load rather than the server. */
const LOAD_CORE_PERCENT_HIGH = 80;

export function benchCommand(): Command {
  const command = new Command('bench')
    .summary('measure how many lines a second a server takes')
    .description(
      'Measures a running server with SKUs of its own, ' +
        `which are called ${BENCH_PREFIX}… and left at zero and discontinued: SKUs are never deleted. ` +
        'The next run takes them again. Give it a supplier of its own: whoever reads changes sees these too.',
    )
    .addOption(
      new Option('--seconds <number>', 'how long each size of request is sent')
        .default(SECONDS_DEFAULT)
        .argParser((text) => parseWhole(text, SECONDS_MAX)),
    )
    .addOption(
      new Option('--skus <number>', 'how many SKUs the lines pick from at random')
        .default(SKUS_DEFAULT)
        .argParser((text) => parseWhole(text, SKUS_MAX)),
    )
    .addOption(jsonOption());
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nExample:\n  onhand bench --url https://stock.example.com --token-file token.txt',
    )
    .action(measure);
}

function parseWhole(text: string, max: number): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < 1 || value > max) {
    throw new InvalidArgumentError(`A whole number from 1 to ${max} is needed.`);
  }
  return value;
}

async function measure({ seconds, skus, json, ...remote }: BenchOptions): Promise<void> {
  let hasStopped = false;
  const noteStop = async (): Promise<void> => {
    await stopAsked();
    hasStopped = true;
    printNote('onhand: stopping; the SKUs are put away first');
  };
  void noteStop();
  const isStopped = (): boolean => hasStopped;
  const server = new BenchServer(remote, CONNECTIONS_MAX);
  const measured: LoadFigures[] = [];
  let hasBegun = false;
  try {
    const onDone = (count: number): void => {
      hasBegun = true;
      showProgress(`preparing SKUs: ${count.toLocaleString('en')}`);
    };
    await prepareSkus(server, skus, { onDone, isStopped });
    for (const shape of SHAPES) {
      if (isStopped()) break;
      showProgress(`${shape.linesPerRequest.toLocaleString('en')} lines a request`);
      measured.push(await runLoad(server, shape, { seconds, skuCount: skus, isStopped }));
    }
  } finally {
    if (hasBegun) await putAway(server, skus);
    await server.close();
  }
  printList(COLUMNS, measured.map(recordOf), json === true);
  warnOfSlowLoad(measured);
  if (hasStopped) process.exitCode = 1;
}

async function putAway(server: BenchServer, skus: number): Promise<void> {
  try {
    showProgress('putting the SKUs away');
    await putAwaySkus(server, skus);
    showProgress('');
    printNote(
      `The SKUs ${BENCH_PREFIX}… stay, at zero and discontinued; the next run takes them again.`,
    );
  } catch (error) {
    showProgress('');
    const reason = error instanceof Error ? error.message : String(error);
    printNote(`The SKUs ${BENCH_PREFIX}… could not be put away and stay as they are: ${reason}`);
    process.exitCode = 1;
  }
}

const COLUMNS = [
  'lines_per_request',
  'connections',
  'lines_per_second',
  'requests_per_second',
  'p50_ms',
  'p99_ms',
  'load_core_percent',
];

function recordOf(figures: LoadFigures): ListRecord {
  return {
    lines_per_request: figures.linesPerRequest,
    connections: figures.connections,
    lines_per_second: Math.round(figures.linesPerSecond),
    requests_per_second: Math.round(figures.requestsPerSecond * 10) / 10,
    p50_ms: Math.round(figures.p50Ms * 10) / 10,
    p99_ms: Math.round(figures.p99Ms * 10) / 10,
    load_core_percent: Math.round(figures.loadCorePercent),
  };
}

function warnOfSlowLoad(measured: readonly LoadFigures[]): void {
  const slow = measured.filter(({ loadCorePercent }) => loadCorePercent > LOAD_CORE_PERCENT_HIGH);
  if (slow.length === 0) return;
  const sizes = slow
    .map(({ linesPerRequest }) => linesPerRequest.toLocaleString('en'))
    .join(' and ');
  printNote(
    `At ${sizes} lines a request this command took nearly a core to itself: the server may do more than it could ask for.`,
  );
}

/** Says on a terminal what is going on, in place of what it said before. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}
