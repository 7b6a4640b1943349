/** Finds out which quantity of an item is where, since a location may come before or after its quantities. */

/** A quantity of one item. */
export interface Counted {
  /** Its kind: quantities of one kind are comparable, such as those with the same qualifier. */
  readonly name: string;
  readonly value: number;
  /** Its location, or null for a total, if the file ties it to one; undefined if only the order says it. */
  readonly place?: string | null | undefined;
}

/** A quantity or the name of a location (null for the total), in the order of the file. */
export type PlaceToken<Quantity extends Counted> =
  { readonly quantity: Quantity } | { readonly place: string | null };

/** A quantity and its location; null for a total. */
export interface Placed<Quantity extends Counted> {
  readonly quantity: Quantity;
  readonly place: string | null;
}

/**
 * Gives each quantity its location. If the sequence ends with a location, each location follows its quantities; if it
 * begins with one, each location precedes them. A sequence with a total may do neither. Then the order counts in which
 * each total is the sum of its parts. Null if there is no such order.
 */
export function placeQuantities<Quantity extends Counted>(
  tokens: readonly PlaceToken<Quantity>[],
): readonly Placed<Quantity>[] | null {
  const isPlace = (token: PlaceToken<Quantity> | undefined): boolean =>
    token !== undefined && 'place' in token;
  if (!tokens.some(isPlace)) {
    return tokens.flatMap((token) =>
      'quantity' in token
        ? [{ quantity: token.quantity, place: tiedOr(token.quantity, null) }]
        : [],
    );
  }
  const beginsWithPlace = isPlace(tokens[0]);
  const endsWithPlace = isPlace(tokens.at(-1));
  if (endsWithPlace) return placedByNext(tokens);
  if (beginsWithPlace) return placedByPrevious(tokens);
  return [placedByNext(tokens), placedByPrevious(tokens)].find(isConsistent) ?? null;
}

/** Each quantity is at the last location before it. */
function placedByPrevious<Quantity extends Counted>(
  tokens: readonly PlaceToken<Quantity>[],
): readonly Placed<Quantity>[] {
  let place: string | null = null;
  const placed: Placed<Quantity>[] = [];
  for (const token of tokens) {
    if ('place' in token) place = token.place;
    else placed.push({ quantity: token.quantity, place: tiedOr(token.quantity, place) });
  }
  return placed;
}

/**
 * Each quantity is at the location that follows it. If several quantities of one kind precede a location, only the
 * last of them is there. The others are at the location before the first quantity, or are totals if there is none.
 */
function placedByNext<Quantity extends Counted>(
  tokens: readonly PlaceToken<Quantity>[],
): readonly Placed<Quantity>[] {
  const [first] = tokens;
  const outer = first !== undefined && 'place' in first ? first.place : null;
  const placed: Placed<Quantity>[] = [];
  let place: string | null = null;
  let isTied = false;
  let names = new Set<string>();
  for (const token of tokens.toReversed()) {
    if ('place' in token) {
      ({ place } = token);
      isTied = true;
      names = new Set();
      continue;
    }
    const { quantity } = token;
    const isNext = isTied && !names.has(quantity.name);
    names.add(quantity.name);
    placed.push({ quantity, place: tiedOr(quantity, isNext ? place : outer) });
  }
  return placed.toReversed();
}

/** The location that the file ties a quantity to, else this one. */
function tiedOr({ place }: Counted, other: string | null): string | null {
  return place === undefined ? other : place;
}

/** Whether each total that has parts is their sum. */
function isConsistent<Quantity extends Counted>(placed: readonly Placed<Quantity>[]): boolean {
  const sums = new Map<string, number>();
  for (const { quantity, place } of placed) {
    if (place !== null) sums.set(quantity.name, (sums.get(quantity.name) ?? 0) + quantity.value);
  }
  return placed.every(
    ({ quantity, place }) =>
      place !== null || (sums.get(quantity.name) ?? quantity.value) === quantity.value,
  );
}

/** The name of a location in a message or key; null for one that means all of them. */
export function placeName(...names: readonly string[]): string | null {
  const given = names.map((name) => name.trim()).filter((name) => name !== '');
  return given.some((name) => /^(?:(?:grand |over)?total|all(?: locations)?)$/i.test(name))
    ? null
    : (given[0] ?? null);
}
