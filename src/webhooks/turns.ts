/** How many messages one node sends at the same time. */
export interface SendLimits {
  /** In total. */
  readonly webhookSendsMax: number;
  readonly webhookSendsPerOrganizationMax: number;
}

/** The most messages that are sent to one webhook at the same time. */
const SENDS_PER_WEBHOOK_MAX = 4;
/** The share of all slots that only organizations without a message under way can use. */
const RESERVED_SHARE = 0.25;

interface Place {
  readonly organizationId: number;
  readonly webhookId: number;
}

/** The messages that a node is sending, and which may be sent next: no organization can use all slots. */
export class SendSlots {
  readonly #limits: SendLimits;
  readonly #ofOrganization = new Map<number, number>();
  readonly #ofWebhook = new Map<number, number>();
  #total = 0;

  constructor(limits: SendLimits) {
    this.#limits = limits;
  }

  /** Takes a slot; returns false if none is free for this webhook. */
  tryTake({ organizationId, webhookId }: Place): boolean {
    const { webhookSendsMax, webhookSendsPerOrganizationMax } = this.#limits;
    const own = this.#ofOrganization.get(organizationId) ?? 0;
    const reserved = own === 0 ? 0 : Math.floor(webhookSendsMax * RESERVED_SHARE);
    if (this.#total >= webhookSendsMax - reserved) return false;
    if (own >= webhookSendsPerOrganizationMax) return false;
    if ((this.#ofWebhook.get(webhookId) ?? 0) >= SENDS_PER_WEBHOOK_MAX) return false;
    this.#add({ organizationId, webhookId }, 1);
    return true;
  }

  release(place: Place): void {
    this.#add(place, -1);
  }

  #add({ organizationId, webhookId }: Place, count: 1 | -1): void {
    this.#total += count;
    addTo(this.#ofOrganization, organizationId, count);
    addTo(this.#ofWebhook, webhookId, count);
  }
}

function addTo(counts: Map<number, number>, key: number, count: number): void {
  const sum = (counts.get(key) ?? 0) + count;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}

/** Elements in turns: the first of each group, then the second of each, and so on. Groups begin at `start`. */
export function inTurns<T>(
  elements: readonly T[],
  groupOf: (element: T) => number,
  start: number,
): readonly T[] {
  const groups = [...Map.groupBy(elements, groupOf).values()];
  const first = groups.length === 0 ? 0 : start % groups.length;
  const rotated = [...groups.slice(first), ...groups.slice(0, first)];
  const longest = rotated.reduce((length, group) => Math.max(length, group.length), 0);
  return Array.from({ length: longest }, (_, turn) =>
    rotated.flatMap((group) => group.slice(turn, turn + 1)),
  ).flat();
}
