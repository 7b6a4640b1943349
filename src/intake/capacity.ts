/** The limit of a resource that all organizations share, and how much of it one of them may use. */
export interface CapacityLimits {
  /** For all organizations together. */
  readonly limit: number;
  /** For one organization. */
  readonly organizationLimit: number;
  /** What a small request uses. The reserve is a multiple of it. */
  readonly unit: number;
}

/** How much of a resource is used. */
export interface Usage {
  readonly used: number;
  readonly limit: number;
  /** How much of its own limit the organization uses that uses most of it, from 0 to 1. */
  readonly largestShare: number;
}

/** What has no room left: the share of the organization, or the server as a whole. */
export type Exhausted = 'organization' | 'server';

/** This share of the limit is reserved for quiet organizations. */
export const RESERVED_SHARE = 1 / 16;
/** An organization is quiet while it uses no more than this share of the limit. */
const QUIET_SHARE = 1 / 64;

/**
 * A resource that all organizations share, such as open requests or memory. No organization gets more than its
 * limit, and the last sixteenth is reserved for organizations that use little. So the first request of a quiet
 * organization is accepted even if others use all that they can.
 */
export class Capacity {
  readonly limit: number;
  readonly #organizationLimit: number;
  readonly #reserved: number;
  readonly #quietMax: number;
  readonly #usedBy = new Map<number, number>();
  #used = 0;

  constructor({ limit, organizationLimit, unit }: CapacityLimits) {
    this.limit = limit;
    this.#organizationLimit = organizationLimit;
    this.#reserved = Math.floor((limit * RESERVED_SHARE) / unit) * unit;
    this.#quietMax = Math.max(unit, Math.floor(limit * QUIET_SHARE));
  }

  get used(): number {
    return this.#used;
  }

  get usage(): Usage {
    return { used: this.#used, limit: this.limit, largestShare: this.#largestShare };
  }

  get #largestShare(): number {
    let most = 0;
    for (const used of this.#usedBy.values()) most = Math.max(most, used);
    return this.#organizationLimit === 0 ? 0 : most / this.#organizationLimit;
  }

  /** Whether even an organization that uses nothing would be refused `amount`. */
  isFullFor(amount: number): boolean {
    return this.#used + amount > this.limit;
  }

  /**
   * What has no room for `amount` more; undefined if it fits. `kept` of the limit is left free, unless the
   * organization is quiet.
   */
  exhaustedBy(organizationId: number, amount: number, kept = 0): Exhausted | undefined {
    const total = (this.#usedBy.get(organizationId) ?? 0) + amount;
    if (total > this.#organizationLimit) return 'organization';
    const free = total <= this.#quietMax ? 0 : this.#reserved + kept;
    return this.#used + amount > this.limit - free ? 'server' : undefined;
  }

  /** Adds to what an organization uses, or subtracts from it. */
  add(organizationId: number, amount: number): void {
    this.#used += amount;
    const total = (this.#usedBy.get(organizationId) ?? 0) + amount;
    if (total === 0) this.#usedBy.delete(organizationId);
    else this.#usedBy.set(organizationId, total);
  }
}
