import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OnhandError } from '../domain/errors.ts';
import { printResults, RESULT_COLUMNS } from '../formats/results/results.ts';
import { isOver, type FileRecord } from '../domain/files.ts';
import type { AccountStore } from '../store/store.ts';
import { newUuid } from '../store/uuids.ts';
import type { FileService } from './service.ts';
import { DropFolderLayout, sameSeen, type Seen, type Taken } from './drop-folder-layout.ts';

interface InboxParts {
  /** The drop folder, which holds a folder for each supplier, named as the supplier is. */
  readonly directory: string;
  readonly service: FileService;
  readonly accounts: Pick<AccountStore, 'findOrganization'>;
  /** How long a file must have stayed as it is to be taken for complete. */
  readonly settleSeconds: number;
  readonly fileBytesMax: number;
  /** Told what went wrong; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** It is looked twice while a file settles, at least. */
const LOOK_EVERY_MS = { min: 100, max: 1000 };

interface Sighting {
  readonly seen: Seen;
  readonly sinceMs: number;
}

/** One supplier's folder, and what is known of the files in it. */
interface Watched {
  readonly supplierId: number;
  readonly folder: DropFolderLayout;
  readonly sightings: Map<string, Sighting>;
  readonly taken: Map<string, Taken>;
  /** Taken files whose supplier was told that they are held. */
  readonly told: Set<string>;
}

/**
 * The drop folder: takes the files that are put there as if they were uploaded, and writes what became of
 * them beside. A file that is taken gets its uuid as part of its name first, so that whatever happens it
 * becomes that one feed.
 */
export class DropFolder {
  readonly #parts: InboxParts;
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#in(0);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#look;
  }

  #in(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#look = this.#lookAtAll().finally(() => this.#in(this.#lookEveryMs));
    }, ms).unref();
  }

  get #lookEveryMs(): number {
    const { min, max } = LOOK_EVERY_MS;
    return Math.min(max, Math.max(min, this.#parts.settleSeconds * 500));
  }

  async #lookAtAll(): Promise<void> {
    await this.#tried(async () => {
      for (const entry of await readdir(this.#parts.directory, { withFileTypes: true })) {
        if (this.#isStopped) return;
        if (entry.isDirectory()) await this.#tried(() => this.#lookAt(entry.name));
      }
    });
  }

  /** What goes wrong with one folder or file must not keep the others waiting. */
  async #tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#parts.onFailure(error);
    }
  }

  async #lookAt(name: string): Promise<void> {
    const watched = await this.#watch(name);
    if (watched === undefined || !(await watched.folder.prepare())) return;
    for (const taken of watched.taken.values()) {
      await this.#tried(() => this.#follow(watched, taken));
    }
    const waiting = await watched.folder.waiting();
    const complete = this.#completeOf(watched, waiting);
    for (const seen of complete) {
      if (this.#isStopped) return;
      await this.#tried(() => this.#take(watched, seen));
    }
  }

  async #watch(name: string): Promise<Watched | undefined> {
    const known = this.#watched.get(name);
    if (known !== undefined) return known;
    const supplier = await this.#parts.accounts.findOrganization(name);
    if (supplier?.type !== 'supplier') return undefined;
    const folder = new DropFolderLayout(join(this.#parts.directory, name));
    if (!(await folder.prepare())) return undefined;
    const taken = await folder.taken();
    const watched: Watched = {
      supplierId: supplier.id,
      folder,
      sightings: new Map(),
      taken: new Map(taken.map((one) => [one.uuid, one])),
      told: new Set(),
    };
    this.#watched.set(name, watched);
    return watched;
  }

  /** Those that have stayed as they are for long enough. */
  #completeOf({ sightings }: Watched, waiting: readonly Seen[]): readonly Seen[] {
    const nowMs = performance.now();
    const before = new Map(sightings);
    sightings.clear();
    return waiting.filter((seen) => {
      const sighting = before.get(seen.name);
      const isSame = sighting !== undefined && sameSeen(sighting.seen, seen);
      const sinceMs = isSame ? sighting.sinceMs : nowMs;
      sightings.set(seen.name, { seen, sinceMs });
      return nowMs - sinceMs >= this.#parts.settleSeconds * 1000;
    });
  }

  async #take(watched: Watched, seen: Seen): Promise<void> {
    const taken = { uuid: newUuid(Date.now()), name: seen.name };
    if (!(await watched.folder.take(taken))) return;
    watched.sightings.delete(seen.name);
    watched.taken.set(taken.uuid, taken);
    await this.#stage(watched, taken);
  }

  /** Makes a feed of a file that was taken. */
  async #stage(watched: Watched, taken: Taken): Promise<void> {
    const { service, fileBytesMax } = this.#parts;
    const { supplierId, folder } = watched;
    const before = await folder.look(taken);
    if (before === undefined) {
      watched.taken.delete(taken.uuid);
      return;
    }
    const mappings = await service.feeds.mappingOf(supplierId);
    let bytes: number;
    try {
      ({ bytes } = await this.#copy(folder, taken, fileBytesMax));
    } catch (error) {
      if (!(error instanceof OnhandError) || error.code !== 'body_too_large') throw error;
      return this.#refuse(watched, taken, error.message);
    }
    if (!sameSeen(before, await folder.look(taken))) {
      await service.files.remove(taken.uuid);
      await folder.giveBack(taken);
      watched.taken.delete(taken.uuid);
      return;
    }
    await service.add({
      supplierId,
      uuid: taken.uuid,
      userId: null,
      filename: taken.name,
      bytes,
      asked: { isSnapshot: false, atomic: false, dryRun: false, asOfUs: null, mappings },
      reason: null,
      reference: null,
      uploadedAtMs: Date.now(),
      idempotency: null,
    });
  }

  async #copy(
    folder: DropFolderLayout,
    taken: Taken,
    bytesMax: number,
  ): Promise<{ bytes: number }> {
    const file = await folder.open(taken);
    try {
      const content = file.createReadStream({ autoClose: false });
      return await this.#parts.service.files.write(taken.uuid, content, { bytesMax });
    } finally {
      await file.close();
    }
  }

  async #refuse(watched: Watched, taken: Taken, message: string): Promise<void> {
    const name = nameOf(taken, Date.now());
    const rows = printResults([RESULT_COLUMNS, ['400', message]]);
    await watched.folder.write(`${name}.results.csv`, once(rows));
    await watched.folder.putAway(taken, 'failed', name);
    watched.taken.delete(taken.uuid);
  }

  async #follow(watched: Watched, taken: Taken): Promise<void> {
    const feed = await this.#parts.service.feeds.find(watched.supplierId, taken.uuid);
    if (feed === undefined) return this.#stage(watched, taken);
    if (feed.state === 'held') return this.#tellHeld(watched, taken, feed);
    if (!isOver(feed)) return;
    const { folder } = watched;
    const name = nameOf(taken, feed.uploadedAtMs);
    await this.#writeResults(folder, name, feed);
    await folder.remove(`${name}.held.txt`);
    await folder.putAway(taken, feed.state === 'done' ? 'done' : 'failed', name);
    watched.taken.delete(taken.uuid);
    watched.told.delete(taken.uuid);
  }

  async #tellHeld(watched: Watched, taken: Taken, feed: FileRecord): Promise<void> {
    if (watched.told.has(taken.uuid)) return;
    const text = `${feed.problem?.detail ?? ''} It waits until file ${feed.uuid} is confirmed or canceled.\n`;
    await watched.folder.write(`${nameOf(taken, feed.uploadedAtMs)}.held.txt`, once(text));
    watched.told.add(taken.uuid);
  }

  async #writeResults(folder: DropFolderLayout, name: string, feed: FileRecord): Promise<void> {
    const { results } = this.#parts.service;
    try {
      await results.check(feed);
    } catch (error) {
      if (error instanceof OnhandError && error.code === 'results_expired') return;
      throw error;
    }
    await folder.write(`${name}.results.csv`, await results.content(feed, 'csv'));
    if (feed.found?.format !== 'x12') return;
    await folder.write(`${name}.997`, once(await results.acknowledgement(feed)));
  }
}

const NAME_CHARACTERS_MAX = 60;

/** How a file and its results are called once it is over: by when it was taken, so that no two are the same. */
function nameOf({ name }: Taken, takenAtMs: number): string {
  const stamp = new Date(takenAtMs).toISOString().replaceAll(/[-:]/g, '');
  return `${stamp}-${Array.from(name.toWellFormed()).slice(-NAME_CHARACTERS_MAX).join('')}`;
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}
