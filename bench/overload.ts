/**
 * The overload: requests are sent at a fixed rate, whether or not earlier ones have been answered. Refused
 * requests are not retried. Runs in a child process (`runOverload`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { open, Replies, requestOf, type LoadPlan } from './load.ts';
import { executePlans, quantile, runInChild } from './support.ts';

export interface OverloadPlan extends Pick<
  LoadPlan,
  'url' | 'tokens' | 'connections' | 'linesPerRequest' | 'skuCount'
> {
  /** All connections together. */
  readonly requestsPerSecond: number;
  /** Time before the measurement starts, in which the queues fill up. */
  readonly settleMs: number;
  readonly measureMs: number;
}

export interface OverloadResult {
  /** Of accepted requests (200). */
  readonly linesPerSecond: number;
  readonly requestsSentPerSecond: number;
  readonly refusedPerSecond: number;
  readonly acceptedP50Ms: number;
  readonly acceptedP99Ms: number;
  readonly refusedP50Ms: number;
  readonly refusedP99Ms: number;
  /** Replies other than 200 and 503. */
  readonly failed: number;
  /** The CPU share of the load itself: 1 is one core. */
  readonly coreShare: number;
}

export function runOverload(plan: OverloadPlan): Promise<OverloadResult> {
  return runInChild<OverloadResult>(import.meta.url, plan);
}

/** Interval in which due requests are sent. */
const TICK_MS = 2;
const NINE = 0x39;
const ZERO = 0x30;

/** Changes the quantities of an applied request, because re-applying the same ones would be no work. */
function changeQuantities(request: Buffer): void {
  for (let end = request.indexOf('}'); end >= 0; end = request.indexOf('}', end + 1)) {
    const digit = request[end - 1] ?? NINE;
    request[end - 1] = digit === NINE ? ZERO : digit + 1;
  }
}

interface TimedReply {
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
  let answers: TimedReply[] = [];
  const send = async (connection: (typeof idle)[number]): Promise<void> => {
    const sentMs = performance.now();
    connection.socket.write(connection.request);
    const { status } = await connection.replies.next();
    answers.push({ status, tookMs: performance.now() - sentMs });
    if (status === 200) changeQuantities(connection.request);
    idle.push(connection);
  };
  const startedMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) * plan.requestsPerSecond) / 1000;
    while (sent < due) {
      const connection = idle.shift();
      // If all connections are waiting, due requests are dropped, so that they are not sent in one burst later.
      if (connection !== undefined) void send(connection);
      sent += 1;
    }
  }, TICK_MS);
  await delay(plan.settleMs);
  answers = [];
  const cpuBefore = process.cpuUsage();
  const measuredFromMs = performance.now();
  await delay(plan.measureMs);
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

executePlans(import.meta.url, execute);
