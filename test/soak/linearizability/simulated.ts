import { Random } from '../../random.ts';
import type { StockInput, StockOperation, StockOutput } from './stock.ts';

/** Faults that a simulated server can have. */
export const FAULTS = [
  'answers before it commits',
  'reads from a replica that is behind',
  'applies a retry twice',
  'compares and sets in two steps',
  'forgets an acknowledged write at a failover',
] as const;
export type Fault = (typeof FAULTS)[number];

const CLIENTS = 4;
const OPERATIONS = 60;
const INITIAL = 5;

/**
 * The history of one SKU of a simulated server, on a clock of its own: an operation is called, takes effect and returns.
 * One in ten gets no answer.
 */
export function simulatedHistory(
  seed: number,
  fault?: Fault,
): { readonly history: readonly StockOperation[]; readonly initial: number } {
  const random = new Random(seed);
  const waiting = Array.from({ length: CLIENTS }, (_, i) => ({ client: `client ${i}`, freeAt: 0 }));
  const planned = Array.from({ length: OPERATIONS }, () => {
    const next = random.pick(waiting);
    const calledAt = next.freeAt + random.below(10);
    const effectAt = calledAt + 1 + random.below(20);
    const returnedAt = effectAt + 1 + random.below(20);
    next.freeAt = returnedAt + 1;
    return {
      client: next.client,
      input: inputOf(random),
      calledAt,
      effectAt,
      returnedAt,
      isCut: random.chance(0.1),
    };
  });
  const failoverAt = OPERATIONS * 4;
  const isFaulty = (): boolean => fault !== undefined && random.chance(0.3);
  const effects: { at: number; run: () => void }[] = [];
  let stock = INITIAL;
  const past: number[] = [INITIAL];
  const write = (input: StockInput): StockOutput => {
    const output = effectOf(stock, input);
    if (output.kind === 'applied') stock = output.after;
    past.push(stock);
    return output;
  };
  const history: StockOperation[] = [];
  for (const { client, input, calledAt, effectAt, returnedAt, isCut } of planned) {
    const answer = (output: StockOutput | undefined): void => {
      history.push({
        client,
        input,
        calledAt,
        output: isCut ? undefined : output,
        returnedAt: isCut ? Infinity : returnedAt,
      });
    };
    const run = (): void => {
      if (fault === 'reads from a replica that is behind' && input.kind === 'read' && isFaulty()) {
        answer({ kind: 'read', stock: past.at(-4) ?? INITIAL });
      } else if (fault === 'answers before it commits' && input.kind !== 'read' && isFaulty()) {
        answer(effectOf(stock, input));
        effects.push({ at: returnedAt + 30, run: () => void write(input) });
      } else if (fault === 'compares and sets in two steps' && input.kind === 'compareAndSet') {
        const output = effectOf(stock, input);
        answer(output);
        if (output.kind === 'applied')
          effects.push({
            at: returnedAt - 0.5,
            run: () => void write({ kind: 'set', to: output.after }),
          });
      } else if (
        fault === 'forgets an acknowledged write at a failover' &&
        returnedAt < failoverAt &&
        returnedAt > failoverAt - 40
      ) {
        answer(effectOf(stock, input));
      } else {
        answer(write(input));
        if (fault === 'applies a retry twice' && input.kind === 'change' && isFaulty())
          write(input);
      }
    };
    effects.push({ at: effectAt, run });
  }
  while (effects.length > 0) {
    effects.sort((a, b) => a.at - b.at);
    effects.shift()?.run();
  }
  return { history, initial: INITIAL };
}

function inputOf(random: Random): StockInput {
  switch (random.below(4)) {
    case 0:
      return { kind: 'set', to: random.below(8) };
    case 1:
      return { kind: 'compareAndSet', expected: random.below(8), to: random.below(8) };
    case 2:
      return { kind: 'change', by: random.below(7) - 3 };
    default:
      return { kind: 'read' };
  }
}

function effectOf(stock: number, input: StockInput): StockOutput {
  const applied = (after: number): StockOutput => ({ kind: 'applied', before: stock, after });
  switch (input.kind) {
    case 'read':
      return { kind: 'read', stock };
    case 'set':
      return applied(input.to);
    case 'compareAndSet':
      return input.expected === stock ? applied(input.to) : { kind: 'refused', stock };
    case 'change':
      return stock + input.by >= 0 ? applied(stock + input.by) : { kind: 'refused', stock };
  }
}
