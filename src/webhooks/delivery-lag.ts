/** A position that has changes to deliver. */
export interface BehindPosition {
  readonly key: string;
  /** The organization of its webhook. */
  readonly organizationId: number;
  /** A time since when it has certainly been behind. */
  readonly sinceMs: number;
}

/** How far webhooks are behind the changes that they are to be sent. */
export class DeliveryLag {
  /** By key. */
  #behind = new Map<string, BehindPosition>();

  /** Replaces what is known by the positions that are behind now. An earlier time that is known stays. */
  update(found: Iterable<BehindPosition>): void {
    const behind = new Map<string, BehindPosition>();
    for (const position of found)
      behind.set(position.key, this.#behind.get(position.key) ?? position);
    this.#behind = behind;
  }

  /** Changes of a position were delivered, the last of which was made at a time. */
  delivered(key: string, lastChangedAtMs: number): void {
    const known = this.#behind.get(key);
    if (known === undefined) return;
    this.#behind.set(key, { ...known, sinceMs: Math.max(known.sinceMs, lastChangedAtMs) });
  }

  /** By organization: how long its position that is furthest behind has had changes to deliver, in ms. */
  lagsMs(nowMs: number): ReadonlyMap<number, number> {
    const lags = new Map<number, number>();
    for (const { organizationId, sinceMs } of this.#behind.values())
      lags.set(organizationId, Math.max(lags.get(organizationId) ?? 0, nowMs - sinceMs));
    return lags;
  }
}
