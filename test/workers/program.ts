/** The program of the worker threads in pool.test.ts. */
import { OnhandError } from '../../src/domain/errors.ts';
import type { BodyTasks } from '../../src/http/inventory/bulk-task.ts';
import { serveTasks, type Task } from '../../src/workers/serve.ts';

export interface Program {
  readonly double: Task<number, { add(value: number): Promise<number> }, number>;
  readonly spin: Task<null, object, void>;
  readonly hoard: Task<null, object, number>;
  readonly refuse: Task<string, object, void>;
  readonly wait: Task<null, { waiting(argument: null): Promise<void> }, void>;
  /** Works for a while in small steps, each of which is progress. */
  readonly plod: Task<number, object, string>;
  /** Ends its thread. */
  readonly die: Task<null, object, void>;
  /** The same, in place of the server's task. */
  readonly parseBulk: BodyTasks['parseBulk'];
}

const program: Program = {
  double: async (value, host) => 2 * (await host.add(value)),
  spin: () => {
    for (;;);
  },
  hoard: async () => {
    const kept: string[][] = [];
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, i) => `${i} ${kept.length}`));
  },
  refuse: async (message) => {
    throw new OnhandError('body_malformed', message);
  },
  wait: (_argument, host) => host.waiting(null),
  plod: async (ms, _host, { progress }) => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs) progress();
    return 'done';
  },
  die: async () => process.exit(1),
  parseBulk: async () => process.exit(1),
};

serveTasks(program);
