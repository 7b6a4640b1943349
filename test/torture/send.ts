/** Sends calls to a store. */
import type { Batch } from '../../src/domain/batches.ts';
import type { Store } from '../../src/store/store.ts';
import { batchOf } from '../store/fixtures.ts';
import {
  answerOfImport,
  answerOfLines,
  answerOfRevert,
  type Answer,
  type Sent,
} from './predict.ts';
import type { LinesCall } from './steps.ts';
import { bodyOf, entryOf } from './supplier-model.ts';
import { FIRST_MS } from './virtual-time.ts';

/** Longer than any run, so that as-of times before and after the present are unambiguous. */
const STEP_US = 1e15;
const CONFIRMATION_MS = 3_600_000;
const ALL_BATCHES = 1_000_000;

export async function send(
  store: Store,
  supplierId: number,
  { call, reverted, code }: Sent,
): Promise<Answer> {
  if (call.do === 'lines') {
    const [outcome] = await store.apply([batchOfCall(call, supplierId, code)]);
    if (outcome === undefined) throw new Error('a batch has no outcome');
    return answerOfLines(outcome);
  }
  if (call.do === 'import') {
    const { existing, entries } = call;
    const origin = { supplierId, source: 'import' as const, userId: null };
    return answerOfImport(
      await store.applyCatalogue({ ...origin, existing, entries: entries.map(entryOf) }),
    );
  }
  if (reverted === undefined) return { number: null, details: [] };
  const [force, dryRun] = [call.force === true, call.dryRun === true];
  const { batches } = await store.batches.list(supplierId, { start: 0, limit: ALL_BATCHES });
  const uuid = batches.at(-reverted.number)?.uuid ?? '';
  return answerOfRevert(
    await store.batches.revert({ supplierId, userId: null, uuid, force, dryRun }),
  );
}

export function batchOfCall(call: LinesCall, supplierId: number, code: string | undefined): Batch {
  const { lines, atomic, dryRun, snapshot, key } = call;
  const fingerprint = fingerprintOf(call);
  const drafts = lines.map(({ asOf, ...line }) => ({
    ...line,
    ...(asOf === undefined ? {} : { asOfUs: FIRST_MS * 1000 + asOf * STEP_US }),
  }));
  return {
    ...batchOf(supplierId, drafts),
    options: {
      atomic: atomic === true,
      dryRun: dryRun === true,
      ...(snapshot === undefined
        ? {}
        : { snapshot: { asOfUs: null, defaultSafetyLimit: snapshot } }),
      ...(code === undefined ? {} : { confirmation: { code, fingerprint } }),
      ...(key === undefined
        ? {}
        : {
            idempotency: {
              key: key.name,
              fingerprint,
              requestId: key.name,
              expiresAtMs: Date.now() + key.validMs,
            },
          }),
    },
  };
}

/** Asks for the code that confirms a call. */
export function confirm(store: Store, supplierId: number, call: LinesCall): Promise<string> {
  return store.batches.confirm(supplierId, fingerprintOf(call), Date.now() + CONFIRMATION_MS);
}

function fingerprintOf(call: LinesCall): Uint8Array {
  return new TextEncoder().encode(bodyOf(call));
}
