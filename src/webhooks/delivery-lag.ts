/** How far webhooks are behind the changes that they are to be sent. */
export class DeliveryLag {
  /** Since when a position has had changes to deliver, by its key. */
  #behind = new Map<string, number>();

  /**
   * Replaces what is known by the positions that are behind now.
   *
   * @param found each with a time since when it has certainly been behind; an earlier time that is known stays
   */
  update(found: Iterable<readonly [key: string, sinceMs: number]>): void {
    const behind = new Map<string, number>();
    for (const [key, sinceMs] of found) behind.set(key, this.#behind.get(key) ?? sinceMs);
    this.#behind = behind;
  }

  /** Changes of a position were delivered, the last of which was made at a time. */
  delivered(key: string, lastChangedAtMs: number): void {
    const sinceMs = this.#behind.get(key);
    if (sinceMs !== undefined) this.#behind.set(key, Math.max(sinceMs, lastChangedAtMs));
  }

  /** How long the position that is furthest behind has had changes to deliver; 0 if none is behind. */
  lagMs(nowMs: number): number {
    let most = 0;
    for (const sinceMs of this.#behind.values()) most = Math.max(most, nowMs - sinceMs);
    return most;
  }
}
