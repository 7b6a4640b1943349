/** Receives the outcomes of batches from the writer thread. */
import type { BatchOutcome } from '../../domain/batches.ts';
import { OnhandError } from '../../domain/errors.ts';
import { readDetails, repeatedOutcome } from '../sql/stored-outcome.ts';
import { PackedEffects } from './effect-columns.ts';
import { asError } from './threads.ts';
import type { PackedOutcomes } from './write/group.ts';

const NO_DETAILS: BatchOutcome['details'] = new Map();
const NO_EFFECTS: BatchOutcome['effects'] = new Map();

/** The outcome of each batch of a group, or why it was refused. Rejects with any other error. */
export async function unpackOutcomes({
  statuses,
  batches,
}: PackedOutcomes): Promise<(BatchOutcome | OnhandError)[]> {
  const outcomes: (BatchOutcome | OnhandError)[] = [];
  let line = 0;
  for (const batch of batches) {
    if ('failure' in batch) {
      outcomes.push(refusalOf(asError(batch)));
    } else if ('requestId' in batch) {
      outcomes.push(await repeatedOutcome(batch).catch(refusalOf));
    } else {
      const { lineCount, details = NO_DETAILS, effects = NO_EFFECTS, ...rest } = batch;
      outcomes.push({
        ...rest,
        statuses: statuses.subarray(line, line + lineCount),
        details: details instanceof Uint8Array ? await readDetails(details) : details,
        effects: 'places' in effects ? new PackedEffects(effects) : effects,
      });
      line += lineCount;
    }
  }
  return outcomes;
}

function refusalOf(error: unknown): OnhandError {
  if (error instanceof OnhandError) return error;
  throw error;
}
