import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Random } from '../random.ts';
import { expectCounted, newRequest, sendKeyed, type CountingTarget } from './keyed-kill.ts';
import type { PostgresProcess } from './postgres-process.ts';
import type { ServerProcess } from './server-process.ts';

const CLIENTS_OF_NODE = 2;
const REQUESTS_OF_CLIENT = 6;
const RETRY_EVERY_MS = 50;

/**
 * One round: PostgreSQL is killed with -9 under the load of several nodes, and started again. Clients send
 * what was not answered 200 again, with its key, to whichever node: in the end each request must have been
 * applied once. Returns the number of retries.
 */
export async function databaseKillRound(
  postgres: PostgresProcess,
  nodes: readonly ServerProcess[],
  target: CountingTarget,
  random: Random,
): Promise<number> {
  let sentAgain = 0;
  const insist = async (first: number): Promise<void> => {
    const request = newRequest(target, random);
    for (let attempt = first; ; attempt += 1) {
      const node = nodes[attempt % nodes.length];
      if (node === undefined) throw new Error('there is no node');
      if (await sendKeyed(node.url, target, request)) return;
      sentAgain += 1;
      await delay(RETRY_EVERY_MS);
    }
  };
  const clients = nodes.flatMap((_, node) =>
    Array.from({ length: CLIENTS_OF_NODE }, async () => {
      for (let i = 0; i < REQUESTS_OF_CLIENT; i += 1) await insist(node);
    }),
  );
  await delay(random.below(40));
  await postgres.kill();
  for (const { url } of nodes) {
    await expect
      .poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 10_000 })
      .toBe(503);
  }
  await postgres.restart();
  await Promise.all(clients);
  for (const { url } of nodes) {
    await expect
      .poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 20_000 })
      .toBe(200);
  }
  await expectCounted(target);
  return sentAgain;
}
