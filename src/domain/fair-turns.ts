/**
 * Runs the work of organizations: a limited number at the same time. If more is waiting, the organizations take turns,
 * so that many followers of one delay those of another by one turn.
 */
export class FairTurns {
  readonly #atOnceMax: number;
  /** What waits, by organization, in the order in which they are served. */
  readonly #queues = new Map<number, (() => void)[]>();
  #running = 0;

  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax;
  }

  /** Runs `work` when it is the organization's turn. */
  async run<T>(organizationId: number, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnceMax) this.#running += 1;
    else await this.#turnOf(organizationId);
    try {
      return await work();
    } finally {
      this.#passTurn();
    }
  }

  #turnOf(organizationId: number): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#queues.get(organizationId);
      if (queue === undefined) this.#queues.set(organizationId, [resolve]);
      else queue.push(resolve);
    });
  }

  #passTurn(): void {
    const [next] = this.#queues;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    const [organizationId, queue] = next;
    const begin = queue.shift();
    // Behind the others.
    this.#queues.delete(organizationId);
    if (queue.length > 0) this.#queues.set(organizationId, queue);
    begin?.();
  }
}
