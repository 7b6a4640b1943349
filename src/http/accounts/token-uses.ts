import type { Principal, SessionLifetimes } from '../../domain/parties.ts';
import type { AccountStore } from '../../store/store.ts';

/** How often the tokens that were used are recorded: each at most once in that time, whatever its requests. */
const RECORD_EVERY_MS = 60_000;

interface TokenUseParts {
  readonly accounts: Pick<AccountStore, 'recordTokenUse'>;
  readonly lifetimes: SessionLifetimes;
  readonly onFailure: (error: unknown) => void;
}

/** Records which tokens are used, by the minute, all by one timer. */
export class TokenUses {
  readonly #parts: TokenUseParts;
  readonly #used = new Set<number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: TokenUseParts) {
    this.#parts = parts;
  }

  note({ tokenId }: Principal): void {
    this.#used.add(tokenId);
    // A session that is in use must not expire before its use is recorded.
    const everyMs = Math.min(RECORD_EVERY_MS, this.#parts.lifetimes.idleMs / 4);
    this.#timer ??= setTimeout(() => void this.record(), everyMs).unref();
  }

  /** Records the uses since the last time. Never rejects. */
  async record(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const ids = [...this.#used];
    this.#used.clear();
    if (ids.length === 0) return;
    const { accounts, lifetimes, onFailure } = this.#parts;
    try {
      await accounts.recordTokenUse(ids, Date.now(), lifetimes);
    } catch (error) {
      onFailure(error);
    }
  }
}
