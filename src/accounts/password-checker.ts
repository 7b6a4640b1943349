import type { ScryptOptions } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { OnhandError } from '../domain/errors.ts';
import { verifyPassword } from './credentials.ts';

export interface DerivationRequest {
  readonly id: number;
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly keyBytes: number;
  readonly options: ScryptOptions;
}

export interface DerivationReply {
  readonly id: number;
  readonly key: Uint8Array;
}

const RETRY_SECONDS = 1;
const THREAD_FILE = import.meta.url.endsWith('.ts')
  ? './password-thread.ts'
  : './password-thread.js';

interface Pending {
  readonly resolve: (key: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Checks passwords one after another in a thread of its own, so that logins use at most one core and none of the
 * threads that other requests need. The queue is short: a client that would wait longer is refused.
 */
export class PasswordChecker {
  readonly #queueMax: number;
  readonly #waitingOf = new Map<string, number>();
  readonly #pending = new Map<number, Pending>();
  #thread: Worker | undefined;
  #waiting = 0;
  #lastId = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param queueMax checks that wait or run at the same time */
  constructor(queueMax: number) {
    this.#queueMax = queueMax;
  }

  /**
   * Whether a password matches a stored hash (see `verifyPassword`). Rejects with `overloaded` if too many checks wait,
   * in all or for this network.
   *
   * @param isWanted whether the client still waits for the result
   */
  async check(
    { password, stored }: { readonly password: string; readonly stored: string | undefined },
    network: string,
    isWanted: () => boolean,
  ): Promise<boolean> {
    const own = this.#waitingOf.get(network) ?? 0;
    if (this.#waiting >= this.#queueMax || own >= Math.ceil(this.#queueMax / 2)) throw tooMany();
    this.#count(network, 1);
    const check = this.#turn.then(() =>
      isWanted()
        ? verifyPassword(password, stored, (...derivation) => this.#derive(...derivation))
        : false,
    );
    this.#turn = check.catch(() => undefined);
    try {
      return await check;
    } finally {
      this.#count(network, -1);
    }
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #count(network: string, by: 1 | -1): void {
    this.#waiting += by;
    const own = (this.#waitingOf.get(network) ?? 0) + by;
    if (own === 0) this.#waitingOf.delete(network);
    else this.#waitingOf.set(network, own);
  }

  #derive(
    password: Uint8Array,
    salt: Uint8Array,
    keyBytes: number,
    options: ScryptOptions,
  ): Promise<Buffer> {
    this.#lastId += 1;
    const id = this.#lastId;
    const thread = (this.#thread ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      const request: DerivationRequest = { id, password, salt, keyBytes, options };
      thread.postMessage(request);
    });
  }

  #start(): Worker {
    const thread = new Worker(new URL(THREAD_FILE, import.meta.url));
    thread.unref();
    thread.on('message', ({ id, key }: DerivationReply) => {
      this.#pending.get(id)?.resolve(Buffer.from(key));
      this.#pending.delete(id);
    });
    const fail = (error: Error): void => {
      this.#thread = undefined;
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    };
    thread.on('error', fail);
    thread.on('exit', () => fail(new Error('the thread that checks passwords has ended')));
    return thread;
  }
}

function tooMany(): OnhandError {
  return new OnhandError(
    'overloaded',
    'Too many logins are waiting (ONHAND_LOGIN_QUEUE_MAX). Retry after the time in Retry-After.',
    { retryAfterSeconds: RETRY_SECONDS },
  );
}
