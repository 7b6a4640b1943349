/** The effects of a large batch in columns: sending and holding 100,000 objects would stall the calling thread. */
import type { LineEffect } from '../../domain/batches.ts';
import { inventoryAt, putInventory } from './inventory-columns.ts';

/** Element *i* of each column belongs to the *i*th effect. */
export interface EffectColumns {
  /** By line index: the place of its effect, or -1. */
  readonly places: Int32Array;
  /** Joined; all have the same length. */
  readonly skuUuids: string;
  /** NaN for null. */
  readonly sequences: Float64Array;
  /** Before and after. */
  readonly inventories: Int32Array;
}

const NONE = -1;
const UUID_LENGTH = 36;
const FIELDS_PER_EFFECT = 8;

/** @param lineCount of the batch */
export function packEffects(
  effects: ReadonlyMap<number, LineEffect>,
  lineCount: number,
): EffectColumns {
  const places = new Int32Array(lineCount).fill(NONE);
  const sequences = new Float64Array(effects.size);
  const inventories = new Int32Array(effects.size * FIELDS_PER_EFFECT);
  const skuUuids: string[] = [];
  for (const [index, { skuUuid, before, after, sequence }] of effects) {
    const place = skuUuids.length;
    places[index] = place;
    sequences[place] = sequence ?? NaN;
    putInventory(inventories, 2 * place, before);
    putInventory(inventories, 2 * place + 1, after);
    skuUuids.push(skuUuid);
  }
  return { places, skuUuids: skuUuids.join(''), sequences, inventories };
}

/** The effects in columns, by line index. Each is made when it is asked for. */
export class PackedEffects implements ReadonlyMap<number, LineEffect> {
  readonly #columns: EffectColumns;

  constructor(columns: EffectColumns) {
    this.#columns = columns;
  }

  get size(): number {
    return this.#columns.sequences.length;
  }

  has(index: number): boolean {
    return (this.#columns.places[index] ?? NONE) !== NONE;
  }

  get(index: number): LineEffect | undefined {
    const { places, skuUuids, sequences, inventories } = this.#columns;
    const place = places[index] ?? NONE;
    if (place === NONE) return undefined;
    const sequence = sequences[place] ?? NaN;
    return {
      skuUuid: skuUuids.slice(place * UUID_LENGTH, (place + 1) * UUID_LENGTH),
      before: inventoryAt(inventories, 2 * place),
      after: inventoryAt(inventories, 2 * place + 1),
      sequence: Number.isNaN(sequence) ? null : sequence,
    };
  }

  *entries(): MapIterator<[number, LineEffect]> {
    for (let index = 0; index < this.#columns.places.length; index += 1) {
      const effect = this.get(index);
      if (effect !== undefined) yield [index, effect];
    }
  }

  *keys(): MapIterator<number> {
    for (const [index] of this) yield index;
  }

  *values(): MapIterator<LineEffect> {
    for (const [, effect] of this) yield effect;
  }

  [Symbol.iterator](): MapIterator<[number, LineEffect]> {
    return this.entries();
  }

  forEach(
    call: (effect: LineEffect, index: number, map: ReadonlyMap<number, LineEffect>) => void,
  ): void {
    for (const [index, effect] of this) call(effect, index, this);
  }
}
