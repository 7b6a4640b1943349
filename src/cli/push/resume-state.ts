import { createHash, randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../config.ts';
import { ResponseObject } from '../remote/response.ts';
import type { PushTerms } from './upload.ts';

/**
 * How long a push that was interrupted can be gone on with, in ms. Shorter than servers keep
 * idempotency keys by default, and than a day: what a nightly job left is not taken for the next one's.
 */
const RESUMED_WITHIN_MS = 20 * 3_600_000;

/** What makes a push the same as an earlier one: all that would be sent, and to whom. */
export interface PushIdentity {
  readonly url: string;
  readonly tokenHash: string;
  readonly files: readonly {
    readonly path: string;
    readonly sha256: string;
    readonly terms: PushTerms;
  }[];
}

/**
 * A push from its first file to its last, written down as it goes, so that the same command run
 * again goes on with what was sent already. What is written tells no token and nothing of the files.
 */
export class PushResumeState {
  readonly #identity: string;
  readonly #path: string;
  readonly #id: string;
  readonly #uuids: (string | null)[];
  /** Whether an earlier command began it. */
  readonly isResumed: boolean;
  #isKept: boolean;

  private constructor(identity: string, path: string, earlier: Written | undefined) {
    this.#identity = identity;
    this.#path = path;
    this.#id = earlier?.run ?? randomUUID();
    this.#uuids = [...(earlier?.uuids ?? [])];
    this.isResumed = earlier !== undefined;
    this.#isKept = this.isResumed || this.#keep();
  }

  /** Goes on with a push of that identity that did not end, or begins one; always one with `restart`. */
  static open(identity: PushIdentity, restart: boolean): PushResumeState {
    const folder = join(stateFolder(), 'push');
    forgetOld(folder);
    const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
    const path = join(folder, `${hash.slice(0, 32)}.json`);
    return new PushResumeState(hash, path, restart ? undefined : read(path));
  }

  /** Whether the same command can go on with it. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** The `Idempotency-Key` of the file at that place of the command line, counted from 0. */
  keyOf(place: number): string {
    const hash = createHash('sha256').update(JSON.stringify([this.#identity, this.#id, place]));
    return `push-${hash.digest('hex')}`;
  }

  /** Under which uuid the server has taken the file at that place. */
  uuidOf(place: number): string | null {
    return this.#uuids[place] ?? null;
  }

  setUuid(place: number, uuid: string | null): void {
    for (let i = this.#uuids.length; i < place; i += 1) this.#uuids.push(null);
    this.#uuids[place] = uuid;
    this.#isKept = this.#keep();
  }

  /** There is nothing left to go on with. */
  end(): void {
    rmSync(this.#path, { force: true });
  }

  #keep(): boolean {
    const written: Written = { run: this.#id, uuids: this.#uuids };
    const beside = `${this.#path}.${process.pid}`;
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true, mode: 0o700 });
      writeFileSync(beside, JSON.stringify(written), { mode: 0o600 });
      renameSync(beside, this.#path);
      return true;
    } catch {
      // There is no room for it, or no home: the push goes on, and cannot be gone on with.
      return false;
    }
  }
}

interface Written {
  readonly run: string;
  readonly uuids: readonly (string | null)[];
}

function read(path: string): Written | undefined {
  try {
    const json = new ResponseObject(JSON.parse(readFileSync(path, 'utf8')));
    const run = json.scalar('run');
    if (typeof run !== 'string') return undefined;
    const uuids = json.list('uuids').map((uuid) => (typeof uuid === 'string' ? uuid : null));
    return { run, uuids };
  } catch {
    // There is none, or it was damaged.
    return undefined;
  }
}

function forgetOld(folder: string): void {
  const beforeMs = Date.now() - RESUMED_WITHIN_MS;
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).mtimeMs < beforeMs) rmSync(path, { force: true });
    }
  } catch {
    // There is no folder yet, or another command was faster.
  }
}
