import { BATCH_SOURCES, type BatchSource } from '../../domain/batches.ts';

/** A stored source of batches. */
export function batchSourceOf(stored: string): BatchSource {
  const source = BATCH_SOURCES.find((known) => known === stored);
  if (source === undefined) throw new Error(`unknown batch source ${stored}`);
  return source;
}
