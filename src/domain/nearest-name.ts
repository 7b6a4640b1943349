/** The candidate that needs the fewest insertions, deletions and replacements of characters. */
export function nearestName(name: string, candidates: readonly string[]): string {
  const ranked = candidates.map((text) => ({ text, distance: editDistance(name, text) }));
  return ranked.reduce((best, other) => (other.distance < best.distance ? other : best)).text;
}

/** The Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, character] of Array.from(from).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(to).entries()) {
      const replaced = (row[j] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
