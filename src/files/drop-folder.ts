import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OnhandError } from '../domain/errors.ts';
import { isOver, type FileRecord } from '../domain/files.ts';
import { printCsv } from '../formats/csv/writer.ts';
import type { AccountStore } from '../store/store.ts';
import { newUuid } from '../store/uuids.ts';
import type { FileService } from './service.ts';
import {
  DropFolderLayout,
  sameStats,
  type AcceptedFile,
  type FileStats,
} from './drop-folder-layout.ts';
import { RESULT_COLUMNS } from './results-task.ts';

interface DropFolderParts {
  /** Contains one directory per supplier, with the supplier's name. */
  readonly directory: string;
  readonly service: FileService;
  readonly accounts: Pick<AccountStore, 'findOrganization'>;
  /** How long a file must stay unchanged to count as complete. */
  readonly settleSeconds: number;
  readonly fileBytesMax: number;
  /** Called with an error after which the folder is tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** Limits of the polling interval, which is half the settle time. */
const POLL_MS = { min: 100, max: 1000 };

/** A new file and since when it has not changed. */
interface Sighting {
  readonly stats: FileStats;
  readonly sinceMs: number;
}

/** One supplier's directory and the files in it. */
interface Watched {
  readonly supplierId: number;
  readonly folder: DropFolderLayout;
  readonly sightings: Map<string, Sighting>;
  /** By uuid. */
  readonly accepted: Map<string, AcceptedFile>;
  /** The uuids of held files for which a note was written. */
  readonly heldNoted: Set<string>;
}

/**
 * The drop folder: accepts files as if they were uploaded, and writes their results next to them. A file
 * is first renamed to contain its uuid, so that it becomes exactly one job even after a crash.
 */
export class DropFolder {
  readonly #parts: DropFolderParts;
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: DropFolderParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Resolves when no work is in progress. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#polling;
  }

  #schedule(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll().finally(() => this.#schedule(this.#pollMs));
    }, ms).unref();
  }

  get #pollMs(): number {
    const { min, max } = POLL_MS;
    return Math.min(max, Math.max(min, this.#parts.settleSeconds * 500));
  }

  async #poll(): Promise<void> {
    await this.#attempt(async () => {
      for (const entry of await readdir(this.#parts.directory, { withFileTypes: true })) {
        if (this.#isStopped) return;
        if (entry.isDirectory()) await this.#attempt(() => this.#pollSupplier(entry.name));
      }
    });
  }

  /** An error in one directory or file must not block the others. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#parts.onFailure(error);
    }
  }

  async #pollSupplier(name: string): Promise<void> {
    const watched = await this.#watch(name);
    if (watched === undefined || !(await watched.folder.prepare())) return;
    for (const file of watched.accepted.values()) {
      await this.#attempt(() => this.#follow(watched, file));
    }
    const waiting = await watched.folder.waiting();
    const complete = this.#completeOf(watched, waiting);
    for (const stats of complete) {
      if (this.#isStopped) return;
      await this.#attempt(() => this.#accept(watched, stats));
    }
  }

  async #watch(name: string): Promise<Watched | undefined> {
    const known = this.#watched.get(name);
    if (known !== undefined) return known;
    const supplier = await this.#parts.accounts.findOrganization(name);
    if (supplier?.type !== 'supplier') return undefined;
    const folder = new DropFolderLayout(join(this.#parts.directory, name));
    if (!(await folder.prepare())) return undefined;
    const accepted = await folder.accepted();
    const watched: Watched = {
      supplierId: supplier.id,
      folder,
      sightings: new Map(),
      accepted: new Map(accepted.map((file) => [file.uuid, file])),
      heldNoted: new Set(),
    };
    this.#watched.set(name, watched);
    return watched;
  }

  /** The files that have not changed for the settle time. */
  #completeOf({ sightings }: Watched, waiting: readonly FileStats[]): readonly FileStats[] {
    const nowMs = performance.now();
    const before = new Map(sightings);
    sightings.clear();
    return waiting.filter((stats) => {
      const sighting = before.get(stats.name);
      const isSame = sighting !== undefined && sameStats(sighting.stats, stats);
      const sinceMs = isSame ? sighting.sinceMs : nowMs;
      sightings.set(stats.name, { stats, sinceMs });
      return nowMs - sinceMs >= this.#parts.settleSeconds * 1000;
    });
  }

  async #accept(watched: Watched, { name }: FileStats): Promise<void> {
    const file = { uuid: newUuid(Date.now()), name };
    if (!(await watched.folder.accept(file))) return;
    watched.sightings.delete(name);
    watched.accepted.set(file.uuid, file);
    await this.#addJob(watched, file);
  }

  /** Copies an accepted file to the storage and adds its job. */
  async #addJob(watched: Watched, accepted: AcceptedFile): Promise<void> {
    const { service, fileBytesMax } = this.#parts;
    const { supplierId, folder } = watched;
    const before = await folder.stats(accepted);
    if (before === undefined) {
      watched.accepted.delete(accepted.uuid);
      return;
    }
    const mappings = await service.jobs.mappingOf(supplierId);
    let bytes: number;
    try {
      ({ bytes } = await this.#copy(watched, accepted, fileBytesMax));
    } catch (error) {
      if (!(error instanceof OnhandError) || error.code !== 'body_too_large') throw error;
      return this.#refuse(watched, accepted, error.message);
    }
    if (!sameStats(before, await folder.stats(accepted))) {
      await service.files.remove({ supplierId, uuid: accepted.uuid });
      await folder.release(accepted);
      watched.accepted.delete(accepted.uuid);
      return;
    }
    await service.add({
      supplierId,
      uuid: accepted.uuid,
      userId: null,
      filename: accepted.name,
      bytes,
      asked: { isSnapshot: false, atomic: false, dryRun: false, asOfUs: null, mappings },
      reason: null,
      reference: null,
      uploadedAtMs: Date.now(),
      idempotency: null,
    });
  }

  async #copy(
    { supplierId, folder }: Watched,
    accepted: AcceptedFile,
    bytesMax: number,
  ): Promise<{ bytes: number }> {
    const file = await folder.open(accepted);
    try {
      const content = file.createReadStream({ autoClose: false });
      const stored = { supplierId, uuid: accepted.uuid };
      await this.#parts.service.files.remove(stored);
      return await this.#parts.service.files.write(stored, content, { bytesMax });
    } finally {
      await file.close();
    }
  }

  async #refuse(watched: Watched, accepted: AcceptedFile, message: string): Promise<void> {
    const name = nameOf(accepted, Date.now());
    const rows = printCsv([RESULT_COLUMNS, ['400', message]]);
    await watched.folder.write(`${name}.results.csv`, once(rows));
    await watched.folder.finish(accepted, 'failed', name);
    watched.accepted.delete(accepted.uuid);
  }

  /** Writes the results of a job that has finished. */
  async #follow(watched: Watched, accepted: AcceptedFile): Promise<void> {
    const job = await this.#parts.service.jobs.find(watched.supplierId, accepted.uuid);
    if (job === undefined) return this.#addJob(watched, accepted);
    if (job.state === 'held') return this.#noteHeld(watched, accepted, job);
    if (!isOver(job)) return;
    const { folder } = watched;
    const name = nameOf(accepted, job.uploadedAtMs);
    await this.#writeResults(folder, name, job);
    await folder.remove(`${name}.held.txt`);
    await folder.finish(accepted, job.state === 'done' ? 'done' : 'failed', name);
    watched.accepted.delete(accepted.uuid);
    watched.heldNoted.delete(accepted.uuid);
  }

  async #noteHeld(watched: Watched, accepted: AcceptedFile, job: FileRecord): Promise<void> {
    if (watched.heldNoted.has(accepted.uuid)) return;
    const text = `${job.problem?.detail ?? ''} The file waits until ${job.uuid} is confirmed or canceled.\n`;
    await watched.folder.write(`${nameOf(accepted, job.uploadedAtMs)}.held.txt`, once(text));
    watched.heldNoted.add(accepted.uuid);
  }

  async #writeResults(folder: DropFolderLayout, name: string, job: FileRecord): Promise<void> {
    const { results } = this.#parts.service;
    try {
      await results.check(job);
    } catch (error) {
      if (error instanceof OnhandError && error.code === 'results_expired') return;
      throw error;
    }
    await folder.write(`${name}.results.csv`, await results.content(job, 'csv'));
    if (job.found?.format !== 'x12') return;
    await folder.write(`${name}.997`, once(await results.acknowledgement(job)));
  }
}

const NAME_CHARACTERS_MAX = 60;

/** The name of a finished file and its results. It begins with the time of acceptance, to be unique. */
function nameOf({ name }: AcceptedFile, acceptedAtMs: number): string {
  const stamp = new Date(acceptedAtMs).toISOString().replaceAll(/[-:]/g, '');
  return `${stamp}-${Array.from(name.toWellFormed()).slice(-NAME_CHARACTERS_MAX).join('')}`;
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}
