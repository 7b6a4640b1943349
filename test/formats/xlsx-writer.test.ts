import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { writeXlsx } from '../../src/formats/xlsx/writer.ts';

/** Enough that rows are being printed when the workbook is abandoned. */
const PARTS_READ = 8;
/** The error passes through several streams. */
const TURNS = 20;

test('a workbook that is abandoned while its rows cannot be closed does not end its thread', async () => {
  const closing = Promise.withResolvers<void>();
  async function* brokenRows(): AsyncGenerator<readonly string[]> {
    try {
      for (;;) {
        await nextTurn();
        yield Array.from({ length: 1000 }, () => 'a cell');
      }
    } finally {
      closing.resolve();
      await Promise.reject(new Error('the rows cannot be closed'));
    }
  }
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  process.on('uncaughtException', note);
  try {
    let parts = 0;
    for await (const _ of writeXlsx(brokenRows())) {
      parts += 1;
      if (parts === PARTS_READ) break;
    }
    await closing.promise;
    for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
    expect(uncaught).toEqual([]);
  } finally {
    process.off('uncaughtException', note);
  }
});
