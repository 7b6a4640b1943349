import { APPLIED } from '../domain/batch-decision.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Store } from '../store/store.ts';
import { LEFT_OUT, REFUSED } from './definitions.ts';
import type { Recorder } from './recorder.ts';

/** The same store, whose writes are counted. Reads are not: requests are. */
export function measuredStore(store: Store, recorder: Recorder): Store {
  const written = async <T>(batches: number, work: Promise<T>): Promise<T> => {
    const startedMs = performance.now();
    try {
      const value = await work;
      recorder.committed(performance.now() - startedMs);
      return value;
    } catch (error) {
      for (let i = 0; i < batches; i += 1) recorder.refused(error);
      throw error;
    }
  };
  return overriding(store, {
    apply: async (group) => {
      const outcomes = await written(group.length, store.apply(group));
      for (const [i, { source }] of group.entries()) {
        const outcome = outcomes[i];
        if (outcome instanceof OnhandError) recorder.refused(outcome);
        else if (outcome !== undefined && isNew(outcome))
          recorder.applied(source, countsOf(outcome.statuses));
      }
      return outcomes;
    },
    applyCatalogue: async (batch) => {
      const { source } = batch;
      const outcome = await written(1, store.applyCatalogue(batch));
      if (outcome.batchUuid === null) return outcome;
      const statuses = outcome.entries.map((entry) =>
        entry.outcome === 'refused' ? REFUSED : APPLIED,
      );
      recorder.applied(source, countsOf(statuses));
      return outcome;
    },
    batches: overriding(store.batches, {
      revert: async (request) => {
        const outcome = await written(1, store.batches.revert(request));
        if (outcome === undefined || outcome.uuid === null) return outcome;
        const { reverted, moved_on: movedOn, confirmed } = outcome.counts;
        recorder.applied('revert', [
          [APPLIED, reverted],
          [LEFT_OUT, movedOn + confirmed],
        ]);
        return outcome;
      },
    }),
  });
}

/** A dry run changes nothing, and a repeated request was counted when it came first. */
function isNew({ uuid, repeats }: { uuid: string | null; repeats: string | null }): boolean {
  return uuid !== null && repeats === null;
}

/** An object with some members replaced. The others keep their `this`, so that they may use private members. */
function overriding<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name): unknown {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** How many lines have each status. */
function countsOf(statuses: Iterable<number>): Iterable<readonly [status: number, count: number]> {
  let applied = 0;
  const others = new Map<number, number>();
  for (const status of statuses) {
    if (status === APPLIED) applied += 1;
    else others.set(status, (others.get(status) ?? 0) + 1);
  }
  return applied === 0 ? others : [[APPLIED, applied], ...others];
}
