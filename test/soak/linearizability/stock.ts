import { checkLinearizable, REFUSED, type Model, type Operation } from './checker.ts';

/** What clients do with the stock of one SKU. */
export type StockInput =
  | { readonly kind: 'read' }
  | { readonly kind: 'set'; readonly to: number }
  /** Sets it if it has the expected value. */
  | { readonly kind: 'compareAndSet'; readonly expected: number; readonly to: number }
  | { readonly kind: 'change'; readonly by: number };

/** The answer to an operation: the stock, or whether a write was applied, with the stock that it found. */
export type StockOutput =
  | { readonly kind: 'read'; readonly stock: number }
  | { readonly kind: 'applied'; readonly before: number; readonly after: number }
  | { readonly kind: 'refused'; readonly stock: number };

export type StockOperation = Operation<StockInput, StockOutput>;

/** The stock of one SKU: a number that is never below zero. */
function stockModel(initial: number): Model<number, StockInput, StockOutput> {
  return {
    initial,
    step: (stock, input, output) => {
      const after = afterOf(stock, input);
      if (output === undefined) return after ?? stock;
      switch (output.kind) {
        case 'read':
          return input.kind === 'read' && output.stock === stock ? stock : REFUSED;
        case 'refused':
          return after === undefined && output.stock === stock ? stock : REFUSED;
        case 'applied':
          return after !== undefined && output.before === stock && output.after === after
            ? after
            : REFUSED;
      }
    },
    keyOf: String,
  };
}

/** The stock after a write; undefined if it is refused. */
function afterOf(stock: number, input: StockInput): number | undefined {
  switch (input.kind) {
    case 'read':
      return stock;
    case 'set':
      return input.to;
    case 'compareAndSet':
      return input.expected === stock ? input.to : undefined;
    case 'change':
      return stock + input.by >= 0 ? stock + input.by : undefined;
  }
}

/** Why the history of a SKU is not linearizable; undefined if it is. */
export function faultOf(history: readonly StockOperation[], initial: number): string | undefined {
  const verdict = checkLinearizable(history, stockModel(initial));
  if (verdict.isLinearizable) return undefined;
  const { longest, stuckAt } = verdict;
  const around = history
    .filter((one) => one.calledAt <= stuckAt.returnedAt && one.returnedAt >= stuckAt.calledAt)
    .filter((one) => one !== stuckAt);
  return [
    `${longest.length} of ${history.length} operations can be put into an order; then this one cannot follow:`,
    print(stuckAt),
    'before it:',
    ...longest.slice(-5).map(print),
    'at the same time:',
    ...around.slice(0, 10).map(print),
  ].join('\n  ');
}

function print({ client, input, output, calledAt, returnedAt }: StockOperation): string {
  const answer = output === undefined ? 'unknown' : JSON.stringify(output);
  return `${client} ${JSON.stringify(input)} → ${answer} (${calledAt.toFixed(2)} to ${returnedAt.toFixed(2)})`;
}
