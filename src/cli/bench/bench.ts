import { Command, InvalidArgumentError, Option } from 'commander';
import { onStopSignal, type CommandContext } from '../context.ts';
import { jsonOption, wholeNumberParser } from '../options.ts';
import { printList, type ListRecord } from '../output.ts';
import { connect, explaining, type Remote } from '../remote/client.ts';
import { remoteOptions, type RemoteOptions } from '../remote/options.ts';
import { BENCH_PREFIX, BenchServer, discontinueSkus, prepareSkus, benchSkuId } from './server.ts';
import { randomInt } from 'node:crypto';

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

/** From this on the measurement may be limited by this command rather than by the server. */
const LOAD_CORE_PERCENT_HIGH = 80;

export function benchCommand(context: CommandContext): Command {
  const command = new Command('bench')
    .description(
      `Measures a running server. Creates SKUs named ${BENCH_PREFIX}…, and sets them to zero and discontinues them ` +
        'at the end, because SKUs cannot be deleted. The next run reuses them. Use the token of a separate supplier: ' +
        'the changes appear in its change feed.',
    )
    .addOption(
      new Option('--seconds <number>', 'how long to send each size of request')
        .default(SECONDS_DEFAULT)
        .argParser(parseSeconds),
    )
    .addOption(
      new Option('--skus <number>', 'how many SKUs the lines pick from at random')
        .default(SKUS_DEFAULT)
        .argParser(wholeNumberParser(1, SKUS_MAX)),
    )
    .addOption(jsonOption());
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nExample:\n  onhand bench --url https://stock.example.com --token-file token.txt',
    )
    .action((options: BenchOptions) => measure(context, options));
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^[0-9]+(\.[0-9]+)?$/.test(text) && seconds > 0 && seconds <= SECONDS_MAX) return seconds;
  throw new InvalidArgumentError(`Must be a number above 0 and at most ${SECONDS_MAX}.`);
}

async function measure(
  context: CommandContext,
  { seconds, skus, json, ...remote }: BenchOptions,
): Promise<void> {
  let hasStopped = false;
  const release = onStopSignal(() => {
    hasStopped = true;
    context.note('onhand: stopping; the SKUs are discontinued first');
  });
  const isStopped = (): boolean => hasStopped;
  const access = await connect(context, remote);
  const server = await BenchServer.open(access, CONNECTIONS_MAX);
  const measured: LoadFigures[] = [];
  let hasStarted = false;
  try {
    const onReady = (count: number): void => {
      hasStarted = true;
      showProgress(context, `preparing SKUs: ${count.toLocaleString('en')}`);
    };
    await explaining(access.url, () => prepareSkus(access.onhand, skus, onReady, isStopped));
    for (const shape of SHAPES) {
      if (isStopped()) break;
      showProgress(context, `${shape.linesPerRequest.toLocaleString('en')} lines per request`);
      measured.push(await runLoad(server, shape, { seconds, skuCount: skus, isStopped }));
    }
  } finally {
    if (hasStarted) await cleanUp(context, access, skus);
    await server.close();
    release();
  }
  printList(context, COLUMNS, measured.map(recordOf), json === true);
  warnIfLimited(context, measured);
  if (hasStopped) context.exitCode = 1;
}

async function cleanUp(
  context: CommandContext,
  { onhand, url }: Remote,
  skus: number,
): Promise<void> {
  try {
    showProgress(context, 'discontinuing the SKUs');
    await explaining(url, () => discontinueSkus(onhand, skus));
    showProgress(context, '');
    context.note(
      `The SKUs ${BENCH_PREFIX}… remain, at zero and discontinued. The next run reuses them.`,
    );
  } catch (error) {
    showProgress(context, '');
    const reason = error instanceof Error ? error.message : String(error);
    context.note(
      `The SKUs ${BENCH_PREFIX}… remain as they are; they could not be discontinued: ${reason}`,
    );
    context.exitCode = 1;
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

function warnIfLimited(context: CommandContext, measured: readonly LoadFigures[]): void {
  const limited = measured.filter(
    ({ loadCorePercent }) => loadCorePercent > LOAD_CORE_PERCENT_HIGH,
  );
  if (limited.length === 0) return;
  const sizes = limited
    .map(({ linesPerRequest }) => linesPerRequest.toLocaleString('en'))
    .join(' and ');
  context.note(
    `At ${sizes} lines per request this command used nearly a whole core: the server may be faster than measured.`,
  );
}

/** Replaces the progress line on a terminal; prints nothing elsewhere. */
function showProgress({ stderr }: CommandContext, text: string): void {
  if (stderr.isTTY === true) stderr.write(`\r\u001B[K${text}`);
}

/** How lines are sent. */
interface LoadShape {
  /** 1 is a single update; 0 is an empty array, which measures the cost of a request without lines. */
  readonly linesPerRequest: number;
  /** Each connection sends one request at a time. */
  readonly connections: number;
}

interface LoadFigures extends LoadShape {
  readonly requestsPerSecond: number;
  readonly linesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of this command, in percent of one core. Near 100 it limits the measurement. */
  readonly loadCorePercent: number;
}

interface LoadOptions {
  readonly seconds: number;
  /** Each line picks one of this many SKUs at random. */
  readonly skuCount: number;
  readonly isStopped: () => boolean;
}

const QUANTITY_BOUND = 1_000_000;

/** Sends requests for some seconds and measures them. Rejects if a request or a line fails. */
async function runLoad(
  server: BenchServer,
  shape: LoadShape,
  { seconds, skuCount, isStopped }: LoadOptions,
): Promise<LoadFigures> {
  const { linesPerRequest, connections } = shape;
  const durationsMs: number[] = [];
  const send = (): Promise<void> => server.update(bodyOf(linesPerRequest, skuCount));
  const onEachConnection = (work: () => Promise<void>): Promise<unknown> =>
    Promise.all(Array.from({ length: connections }, work));
  // The first request of each connection opens it and is not counted.
  await onEachConnection(send);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await onEachConnection(async () => {
    do {
      const sentMs = performance.now();
      await send();
      durationsMs.push(performance.now() - sentMs);
    } while (performance.now() - startedMs < seconds * 1000 && !isStopped());
  });
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const requestsPerSecond = durationsMs.length / elapsedSeconds;
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const quantile = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    ...shape,
    requestsPerSecond,
    linesPerSecond: requestsPerSecond * linesPerRequest,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    loadCorePercent: (user + system) / 10_000 / elapsedSeconds,
  };
}

function bodyOf(lines: number, skuCount: number): string {
  const line = (): string =>
    `{"sku_id":"${benchSkuId(randomInt(skuCount))}","quantity_in_stock":${randomInt(QUANTITY_BOUND)}}`;
  return lines === 1 ? line() : `[${Array.from({ length: lines }, line).join(',')}]`;
}
