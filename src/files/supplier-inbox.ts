import { OnhandError, type ErrorCode } from '../domain/errors.ts';
import { answersTo, confirmQuery, isOver, type FileRecord } from '../domain/files.ts';
import { printCsv } from '../formats/csv/writer.ts';
import { newUuid } from '../store/uuids.ts';
import type { FileService } from './service.ts';
import {
  sameStats,
  type AcceptedFile,
  type DropFolderLayout,
  type FileStats,
  type NewFile,
} from './drop-folder-layout.ts';
import { RESULT_COLUMNS } from './results-task.ts';

interface SupplierInboxParts {
  readonly supplierId: number;
  /** Whether the supplier's files may be processed now. */
  readonly isEnabled: () => Promise<boolean>;
  readonly folder: DropFolderLayout;
  readonly service: FileService;
  /** How long a file must stay unchanged to count as complete. */
  readonly settleMs: number;
  readonly fileBytesMax: number;
}

/** Most files that a supplier may have accepted and not finished; held ones do not count. */
const ACCEPTED_MAX = 20;
/** Most accepted files whose jobs are looked up in one turn. */
const FOLLOWED_PER_TURN = 40;
/** Most new files that are remembered; the others are found when these are accepted. */
const SIGHTED_MAX = 10_000;
/** A scan of the folder is not repeated before this many times its duration. */
const SCAN_PAUSE_FACTOR = 20;
/** How long to wait when the supplier has no room for another file. */
const PAUSE_MS = 10_000;

/** Errors after which a file is accepted again later. */
const PAUSED: readonly ErrorCode[] = ['file_quota_exceeded', 'disk_space_low'];
/** Errors of a file that the server is not allowed to read. */
const UNREADABLE: readonly unknown[] = ['EACCES', 'EPERM', 'ELOOP'];

/** A new file and since when it has not changed. */
interface Sighting {
  readonly stats: FileStats;
  readonly sinceMs: number;
}

/** One supplier's directory in the drop folder. It works in short turns. */
export class SupplierInbox {
  readonly #parts: SupplierInboxParts;
  /** By path. Those that have been unchanged for the longest time come first. */
  readonly #sighted = new Map<string, Sighting>();
  /** By uuid. Those whose jobs were looked up the longest time ago come first. */
  readonly #accepted = new Map<string, AcceptedFile>();
  /** The uuids of held files; a note was written for each. */
  readonly #held = new Set<string>();
  #isOpened = false;
  #scanDueMs = 0;
  #pausedUntilMs = 0;

  constructor(parts: SupplierInboxParts) {
    this.#parts = parts;
  }

  /**
   * Finishes and accepts some files. Resolves with whether there is more to do at once. Rejects with the
   * first error of a file or folder, after the other files had their turn.
   */
  async takeTurn(signal: AbortSignal): Promise<boolean> {
    const { folder, isEnabled } = this.#parts;
    if (!(await folder.prepare())) return false;
    if (!this.#isOpened) await this.#open();
    if (this.#accepted.size > 0 && !(await isEnabled())) return false;
    const errors: unknown[] = [];
    const attempt = async (work: () => Promise<void>): Promise<void> => {
      try {
        if (!signal.aborted) await work();
      } catch (error) {
        errors.push(error);
      }
    };
    const acceptedBefore = this.#accepted.size;
    for (const file of [...this.#accepted.values()].slice(0, FOLLOWED_PER_TURN)) {
      await attempt(() => this.#follow(file));
    }
    const hasFinished = this.#accepted.size < acceptedBefore;
    if (performance.now() >= this.#scanDueMs) await this.#scan(signal);
    const complete = this.#complete();
    if (complete.length > 0 && !(await isEnabled())) return false;
    for (const { stats } of complete) await attempt(() => this.#accept(stats));
    if (errors.length > 0) throw errors[0];
    return complete.length > 0 || (hasFinished && this.#sighted.size > 0);
  }

  /** Remembers the files that a stopped process accepted. */
  async #open(): Promise<void> {
    const { supplierId, folder, service } = this.#parts;
    for (const file of await folder.accepted()) this.#accepted.set(file.uuid, file);
    for await (const file of folder.acceptedBefore()) {
      const isOwn = (await service.jobs.find(supplierId, file.uuid)) !== undefined;
      if (!isOwn || this.#accepted.has(file.uuid)) await folder.disown(file);
      else this.#accepted.set(file.uuid, await folder.adopt(file));
    }
    this.#isOpened = true;
  }

  /** Finds new files. Each is looked at once, however often the folder is scanned. */
  async #scan(signal: AbortSignal): Promise<void> {
    const { folder } = this.#parts;
    const startedMs = performance.now();
    const found: FileStats[] = [];
    for await (const file of folder.newFiles()) {
      if (signal.aborted || this.#sighted.size + found.length >= SIGHTED_MAX) break;
      if (this.#sighted.has(pathOf(file))) continue;
      const stats = await folder.look(file);
      if (stats !== undefined) found.push(stats);
    }
    const nowMs = performance.now();
    const oldestFirst = found.toSorted(
      (a, b) => Number(a.modifiedNs - b.modifiedNs) || (a.name < b.name ? -1 : 1),
    );
    for (const stats of oldestFirst) this.#sighted.set(pathOf(stats), { stats, sinceMs: nowMs });
    this.#scanDueMs = nowMs + (nowMs - startedMs) * SCAN_PAUSE_FACTOR;
  }

  /** The files whose settle time is over, as many as the supplier may have accepted. */
  #complete(): readonly Sighting[] {
    const nowMs = performance.now();
    if (nowMs < this.#pausedUntilMs) return [];
    const room = ACCEPTED_MAX - (this.#accepted.size - this.#held.size);
    const complete: Sighting[] = [];
    for (const sighting of this.#sighted.values()) {
      if (complete.length >= room) break;
      if (nowMs - sighting.sinceMs < this.#parts.settleMs) break;
      complete.push(sighting);
    }
    return complete;
  }

  async #accept(before: FileStats): Promise<void> {
    if (performance.now() < this.#pausedUntilMs) return;
    const { folder } = this.#parts;
    this.#sighted.delete(pathOf(before));
    const stats = await folder.look(before);
    if (stats === undefined) return;
    if (!sameStats(stats, before)) {
      this.#sighted.set(pathOf(stats), { stats, sinceMs: performance.now() });
      return;
    }
    const file = await folder.accept(before, newUuid(Date.now()));
    if (file === undefined) return;
    this.#accepted.set(file.uuid, file);
    await this.#addJob(file);
  }

  /** Copies an accepted file to the storage and adds its job. */
  async #addJob(accepted: AcceptedFile): Promise<void> {
    const { folder } = this.#parts;
    const before = await folder.stats(accepted);
    if (before === undefined) {
      this.#accepted.delete(accepted.uuid);
      return;
    }
    try {
      await this.#copyAndAdd(accepted, before);
    } catch (error) {
      const isKnown = error instanceof OnhandError;
      if (isKnown && error.code === 'body_too_large') return this.#refuse(accepted, error.message);
      if (error instanceof Error && 'code' in error && UNREADABLE.includes(error.code)) {
        return this.#refuse(accepted, `The server may not read the file (${String(error.code)}).`);
      }
      if (isKnown && PAUSED.includes(error.code)) {
        this.#pausedUntilMs = performance.now() + PAUSE_MS;
        await this.#release(accepted);
      }
      throw error;
    }
  }

  async #copyAndAdd(accepted: AcceptedFile, before: FileStats): Promise<void> {
    const { supplierId, folder, service, fileBytesMax: bytesMax } = this.#parts;
    const stored = { supplierId, uuid: accepted.uuid };
    const file = await folder.open(accepted);
    try {
      const room = await service.quota.reserve(supplierId, Number(before.bytes));
      try {
        const content = file.createReadStream({ autoClose: false });
        // A stopped process may have stored the file without adding its job.
        await service.files.remove(stored);
        const { bytes } = await service.files.write(stored, content, { bytesMax, room });
        if (!sameStats(before, await folder.stats(accepted))) {
          await service.files.remove(stored);
          await this.#release(accepted);
          return;
        }
        await service.add({
          ...stored,
          userId: null,
          filename: accepted.name,
          bytes,
          asked: {
            isSnapshot: false,
            atomic: false,
            dryRun: false,
            asOfUs: null,
            rules: {
              ...(await service.jobs.rulesOf(supplierId)),
              ...(accepted.folder === 'catalogue' && { kind: 'catalogue' as const }),
            },
          },
          reason: null,
          reference: null,
          uploadedAtMs: Date.now(),
          idempotency: null,
        });
        room.settle();
      } finally {
        room.release();
      }
    } finally {
      await file.close();
    }
  }

  async #release(accepted: AcceptedFile): Promise<void> {
    await this.#parts.folder.release(accepted);
    this.#accepted.delete(accepted.uuid);
  }

  async #refuse(accepted: AcceptedFile, message: string): Promise<void> {
    const { folder } = this.#parts;
    const name = nameOf(accepted, Date.now());
    const rows = printCsv([RESULT_COLUMNS, ['400', message]]);
    await folder.write(`${name}.results.csv`, once(rows));
    await folder.finish(accepted, 'failed', name);
    this.#accepted.delete(accepted.uuid);
  }

  /** Writes the results of a job that has finished. */
  async #follow(accepted: AcceptedFile): Promise<void> {
    const { supplierId, folder, service } = this.#parts;
    // The other files come first next time.
    this.#accepted.delete(accepted.uuid);
    this.#accepted.set(accepted.uuid, accepted);
    const job = await service.jobs.find(supplierId, accepted.uuid);
    if (job === undefined) return this.#addJob(accepted);
    if (job.state === 'held') return this.#noteHeld(accepted, job);
    if (!isOver(job)) {
      this.#held.delete(accepted.uuid);
      return;
    }
    const name = nameOf(accepted, job.uploadedAtMs);
    await this.#writeResults(name, job);
    await folder.remove(`${name}.held.txt`);
    await folder.finish(accepted, job.state === 'done' ? 'done' : 'failed', name);
    this.#accepted.delete(accepted.uuid);
    this.#held.delete(accepted.uuid);
  }

  async #noteHeld(accepted: AcceptedFile, job: FileRecord): Promise<void> {
    if (this.#held.has(accepted.uuid)) return;
    const path = `POST /timp/organizations/files/${job.uuid}/confirm/`;
    const answers = answersTo(job.found?.questions ?? []).map(
      (answer) => path + confirmQuery(answer),
    );
    const text =
      `${job.problem?.detail ?? ''} The file waits until it is confirmed or canceled: ` +
      `${answers.length === 0 ? path : answers.join(', or ')}\n`;
    const name = `${nameOf(accepted, job.uploadedAtMs)}.held.txt`;
    await this.#parts.folder.write(name, once(text));
    this.#held.add(accepted.uuid);
  }

  async #writeResults(name: string, job: FileRecord): Promise<void> {
    const { folder, service } = this.#parts;
    const { results } = service;
    try {
      await results.check(job);
    } catch (error) {
      if (error instanceof OnhandError && error.code === 'results_expired') return;
      throw error;
    }
    await folder.write(`${name}.results.csv`, await results.content(job, 'csv'));
    const extension = ACKNOWLEDGEMENTS.get(job.found?.format ?? '');
    if (extension === undefined) return;
    await folder.write(`${name}.${extension}`, once(await results.acknowledgement(job)));
  }
}

/** The extensions of acknowledgements, by the format of the file. */
const ACKNOWLEDGEMENTS: ReadonlyMap<string, string> = new Map([
  ['x12', '997'],
  ['edifact', 'contrl'],
]);

function pathOf({ folder, name }: NewFile): string {
  return `${folder}/${name}`;
}

/** The name of a finished file and its results. It begins with the time of acceptance, to be unique. */
function nameOf({ name }: AcceptedFile, acceptedAtMs: number): string {
  return `${new Date(acceptedAtMs).toISOString().replaceAll(/[-:]/g, '')}-${name}`;
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}
