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
import type { CommandContext } from '../context.ts';
import type { UploadOptions } from '../../../client/src/index.ts';

/** The options of a push, as they are sent with each file. */
export type PushParameters = Pick<UploadOptions, 'terms' | 'asOf' | 'reason' | 'reference'>;

/**
 * How long an interrupted push can be resumed, in ms. Shorter than servers keep idempotency keys by
 * default, and shorter than a day: a nightly job must not resume the one of the night before.
 */
const RESUMABLE_MS = 20 * 3_600_000;

/** Two pushes are the same if they send the same files with the same parameters to the same server. */
export interface PushIdentity {
  readonly url: string;
  readonly tokenHash: string;
  readonly files: readonly {
    readonly path: string;
    readonly sha256: string;
    readonly parameters: PushParameters;
  }[];
}

/**
 * The state of a push, saved after each step, so that running the same command again resumes it. It contains
 * no token and no content of the files.
 */
export class PushResumeState {
  readonly #identity: string;
  readonly #path: string;
  readonly #id: string;
  readonly #uuids: (string | null)[];
  /** Whether an earlier run started this push. */
  readonly isResumed: boolean;
  #isSaved: boolean;

  private constructor(identity: string, path: string, earlier: SavedState | undefined) {
    this.#identity = identity;
    this.#path = path;
    this.#id = earlier?.run ?? randomUUID();
    this.#uuids = [...(earlier?.uuids ?? [])];
    this.isResumed = earlier !== undefined;
    this.#isSaved = this.isResumed || this.#save();
  }

  /** Resumes an unfinished push with that identity, or starts a new one; `restart` always starts anew. */
  static open(
    { environment }: CommandContext,
    identity: PushIdentity,
    restart: boolean,
  ): PushResumeState {
    const folder = join(stateFolder(environment), 'push');
    removeOld(folder);
    const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
    const path = join(folder, `${hash.slice(0, 32)}.json`);
    return new PushResumeState(hash, path, restart ? undefined : read(path));
  }

  /** Whether the same command can resume it. */
  get isSaved(): boolean {
    return this.#isSaved;
  }

  /** The `Idempotency-Key` of a file, by its index on the command line. */
  keyOf(index: number): string {
    const hash = createHash('sha256').update(JSON.stringify([this.#identity, this.#id, index]));
    return `push-${hash.digest('hex')}`;
  }

  /** The UUID of the file job; null if the file has not been sent. */
  uuidOf(index: number): string | null {
    return this.#uuids[index] ?? null;
  }

  setUuid(index: number, uuid: string | null): void {
    for (let i = this.#uuids.length; i < index; i += 1) this.#uuids.push(null);
    this.#uuids[index] = uuid;
    this.#isSaved = this.#save();
  }

  /** Deletes the saved state: the push is complete. */
  end(): void {
    rmSync(this.#path, { force: true });
  }

  #save(): boolean {
    const saved: SavedState = { run: this.#id, uuids: this.#uuids };
    const temporaryPath = `${this.#path}.${process.pid}`;
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true, mode: 0o700 });
      writeFileSync(temporaryPath, JSON.stringify(saved), { mode: 0o600 });
      renameSync(temporaryPath, this.#path);
      return true;
    } catch {
      // The disk is full or there is no home directory: the push continues but cannot be resumed.
      return false;
    }
  }
}

interface SavedState {
  readonly run: string;
  readonly uuids: readonly (string | null)[];
}

function read(path: string): SavedState | undefined {
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof json !== 'object' || json === null) return undefined;
    if (!('run' in json) || !('uuids' in json)) return undefined;
    const { run, uuids } = json;
    if (typeof run !== 'string' || !Array.isArray(uuids)) return undefined;
    return { run, uuids: uuids.map((uuid) => (typeof uuid === 'string' ? uuid : null)) };
  } catch {
    // It does not exist or is damaged.
    return undefined;
  }
}

function removeOld(folder: string): void {
  const beforeMs = Date.now() - RESUMABLE_MS;
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).mtimeMs < beforeMs) rmSync(path, { force: true });
    }
  } catch {
    // The folder does not exist yet, or another command removed the file first.
  }
}
