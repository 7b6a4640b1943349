/** Sends lines from a worker to the main thread: texts in slices, then columns of numbers, which are moved. */
import {
  TextReceiver,
  textSlices,
  type TextMembers,
  type TextSlice,
} from '../domain/line-texts.ts';
import type { Lines } from '../domain/lines.ts';
import { buffersIn } from './protocol.ts';
import { move } from './serve.ts';

/** The main thread's part. */
export interface LinesHost {
  texts(texts: TextSlice): Promise<void>;
}

/** What is not text. */
export type LineColumns = Omit<Lines, keyof TextMembers>;

/** Sends the texts of lines. Returns their columns, to be sent after them. */
export async function sendTexts(lines: Lines, host: LinesHost): Promise<LineColumns> {
  const { skuIds, asSent, refusals, ...columns } = lines;
  const slices = textSlices({ skuIds, asSent, refusals });
  for (;;) {
    const { value, done } = slices.next();
    await host.texts(value);
    if (done === true) return columns;
  }
}

/** Marks the buffers of the columns to be moved with `message`, which contains the columns. */
export function moveColumns<Message extends object>(
  message: Message,
  { gtins, gtinEnds, fields, conditions, groups }: LineColumns,
  more: readonly ArrayBufferView[] = [],
): Message {
  const ofConditions =
    conditions === null
      ? []
      : [conditions.asOfUs, conditions.expectedQuantities, conditions.stockChanges];
  const columns = [gtins, gtinEnds, groups, ...Object.values(fields), ...ofConditions, ...more];
  return move(message, buffersIn(columns));
}

/** Receives lines. Its `texts` is for the host of a task. */
export class LinesReceiver implements LinesHost {
  readonly #texts = new TextReceiver();

  texts(slice: TextSlice): Promise<void> {
    this.#texts.add(slice);
    return Promise.resolve();
  }

  /** Returns the lines that were received, and forgets them. */
  take(columns: LineColumns): Lines {
    return { ...columns, ...this.#texts.take() };
  }
}
