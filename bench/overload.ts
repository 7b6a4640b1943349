/**
 * More than a server can do: requests are sent by the clock, whether or not earlier ones were answered.
 * What is refused is not sent again. Runs as a process of its own (`runOverload`).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { open, Replies, requestOf, type LoadPlan } from './load.ts';
import { quantile } from './statistics.ts';

export interface OverloadPlan extends Pick<
  LoadPlan,
  'url' | 'tokens' | 'connections' | 'linesPerRequest' | 'skuCount'
> {
  /** All connections together. */
  readonly requestsPerSecond: number;
  /** How long it is sent before anything is counted: until the queues are full. */
  readonly settleMs: number;
  readonly measureMs: number;
}

export interface OverloadResult {
  /** Of requests answered 200. */
  readonly linesPerSecond: number;
  readonly requestsSentPerSecond: number;
  readonly refusedPerSecond: number;
  readonly acceptedP50Ms: number;
  readonly acceptedP99Ms: number;
  readonly refusedP50Ms: number;
  readonly refusedP99Ms: number;
  /** Answers that are neither 200 nor 503. */
  readonly failed: number;
  /** How much of a core the load itself took, 0 … 1. */
  readonly coreShare: number;
}

export async function runOverload(plan: OverloadPlan): Promise<OverloadResult> {
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, ONHAND_BENCH_OVERLOAD: '1' },
    serialization: 'advanced',
  });
  child.send(plan);
  const result = await new Promise<OverloadResult>((resolve) => {
    child.once('message', (message: OverloadResult) => resolve(message));
  });
  child.disconnect();
  await once(child, 'exit');
  return result;
}

/** How often what is due is sent. */
const TICK_MS = 2;
const NINE = 0x39;
const ZERO = 0x30;

/** Sets other quantities in a request whose were applied: to send the same again would be no work. */
function renew(request: Buffer): void {
  for (let end = request.indexOf('}'); end >= 0; end = request.indexOf('}', end + 1)) {
    const digit = request[end - 1] ?? NINE;
    request[end - 1] = digit === NINE ? ZERO : digit + 1;
  }
}

interface ResponseObject {
  readonly status: number;
  readonly tookMs: number;
}

async function execute(plan: OverloadPlan): Promise<OverloadResult> {
  const idle = await Promise.all(
    Array.from({ length: plan.connections }, async (_, i) => {
      const socket = await open(plan.url);
      const token = plan.tokens[i % plan.tokens.length] ?? '';
      return { socket, request: requestOf(plan, token), replies: new Replies(socket) };
    }),
  );
  const all = [...idle];
  let answers: ResponseObject[] = [];
  const send = async (connection: (typeof idle)[number]): Promise<void> => {
    const sentMs = performance.now();
    connection.socket.write(connection.request);
    const { status } = await connection.replies.next();
    answers.push({ status, tookMs: performance.now() - sentMs });
    if (status === 200) renew(connection.request);
    idle.push(connection);
  };
  const startedMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) * plan.requestsPerSecond) / 1000;
    while (sent < due) {
      const connection = idle.shift();
      // Where every connection waits for its answer, what was due is not sent later in one wave.
      if (connection !== undefined) void send(connection);
      sent += 1;
    }
  }, TICK_MS);
  await wait(plan.settleMs);
  answers = [];
  const cpuBefore = process.cpuUsage();
  const measuredFromMs = performance.now();
  await wait(plan.measureMs);
  const tookSeconds = (performance.now() - measuredFromMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const counted = answers;
  clearInterval(timer);
  for (const { socket, replies } of all) {
    replies.abandon();
    socket.destroy();
  }
  const tookMs = (status: number): number[] =>
    counted.filter((answer) => answer.status === status).map((answer) => answer.tookMs);
  const [accepted, refused] = [tookMs(200), tookMs(503)];
  return {
    linesPerSecond: (accepted.length * plan.linesPerRequest) / tookSeconds,
    requestsSentPerSecond: counted.length / tookSeconds,
    refusedPerSecond: refused.length / tookSeconds,
    acceptedP50Ms: quantile(accepted, 0.5),
    acceptedP99Ms: quantile(accepted, 0.99),
    refusedP50Ms: quantile(refused, 0.5),
    refusedP99Ms: quantile(refused, 0.99),
    failed: counted.length - accepted.length - refused.length,
    coreShare: (cpu.user + cpu.system) / 1_000_000 / tookSeconds,
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

if (process.env['ONHAND_BENCH_OVERLOAD'] === '1') {
  process.once('message', (plan: OverloadPlan) => {
    void execute(plan).then((result) => process.send?.(result));
  });
}
