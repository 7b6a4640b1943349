import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Organization } from '../domain/parties.ts';
import type { AccountStore } from '../store/store.ts';
import type { FileService } from './service.ts';
import { DropFolderLayout } from './drop-folder-layout.ts';
import { SupplierInbox } from './supplier-inbox.ts';

interface DropFolderParts {
  /** Contains one directory per supplier, with the supplier's name. */
  readonly directory: string;
  readonly service: FileService;
  readonly accounts: Pick<AccountStore, 'findOrganization'>;
  /** How long a file must stay unchanged to count as complete. */
  readonly settleSeconds: number;
  readonly fileBytesMax: number;
  /** Called once when the files of a directory begin to be ignored. */
  readonly onIgnored: (name: string, reason: string) => void;
  /** Called with an error after which the folder is tried again; once for each error in a row. */
  readonly onFailure: (error: unknown) => void;
}

/** Limits of the polling interval, which is half the settle time. */
const POLL_MS = { min: 100, max: 1000 };
/** Most suppliers that have a turn at the same time. */
const TURNS_MAX = 16;

/**
 * The drop folder: accepts files as if they were uploaded, and writes their results next to them. A file
 * is first moved to a name with its uuid, so that it becomes exactly one job even after a crash. Suppliers
 * have short turns, so that none of them waits for all files of another one.
 */
export class DropFolder {
  readonly #parts: DropFolderParts;
  readonly #inboxes = new Map<string, SupplierInbox>();
  /** The turns in progress, by the directory's name. */
  readonly #turns = new Map<string, Promise<void>>();
  /** The last error of each directory; that of the drop folder itself under its path. */
  readonly #failures = new Map<string, string>();
  /** The directories whose files are ignored now. */
  readonly #ignored = new Set<string>();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;

  constructor(parts: DropFolderParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Resolves when no work is in progress. */
  async stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#polling;
    await Promise.all(this.#turns.values());
  }

  #schedule(ms: number): void {
    if (this.#stop.signal.aborted || this.#polling !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll().finally(() => {
        this.#polling = undefined;
        this.#schedule(this.#pollMs);
      });
    }, ms).unref();
  }

  get #pollMs(): number {
    const { min, max } = POLL_MS;
    return Math.min(max, Math.max(min, this.#parts.settleSeconds * 500));
  }

  /** Gives each supplier a turn, unless its last one is still in progress. */
  async #poll(): Promise<void> {
    const { directory } = this.#parts;
    await this.#attempt(directory, async () => {
      for (const entry of await readdir(directory, { withFileTypes: true })) {
        if (!entry.isDirectory() || this.#turns.has(entry.name)) continue;
        while (this.#turns.size >= TURNS_MAX) await Promise.race(this.#turns.values());
        if (this.#stop.signal.aborted) return;
        this.#startTurn(entry.name);
      }
    });
  }

  #startTurn(name: string): void {
    const turn = this.#attempt(name, async () => {
      const inbox = await this.#inboxOf(name);
      if (await inbox?.takeTurn(this.#stop.signal)) this.#schedule(POLL_MS.min);
    });
    this.#turns.set(
      name,
      turn.finally(() => this.#turns.delete(name)),
    );
  }

  async #inboxOf(name: string): Promise<SupplierInbox | undefined> {
    const known = this.#inboxes.get(name);
    if (known !== undefined) return known;
    const { directory, service, settleSeconds, fileBytesMax } = this.#parts;
    const supplier = await this.#supplierOf(name);
    if (supplier === undefined) return undefined;
    const inbox = new SupplierInbox({
      supplierId: supplier.id,
      isEnabled: async () => (await this.#supplierOf(name))?.id === supplier.id,
      folder: new DropFolderLayout(join(directory, name)),
      service,
      settleMs: settleSeconds * 1000,
      fileBytesMax,
    });
    this.#inboxes.set(name, inbox);
    return inbox;
  }

  /** The supplier whose files are in a directory; undefined, and reported once, if they may not be processed. */
  async #supplierOf(name: string): Promise<Organization | undefined> {
    const organization = await this.#parts.accounts.findOrganization(name);
    const reason = whyIgnored(organization);
    if (reason === undefined) {
      this.#ignored.delete(name);
      return organization;
    }
    // It may be another organization's later.
    this.#inboxes.delete(name);
    if (!this.#ignored.has(name)) {
      this.#ignored.add(name);
      this.#parts.onIgnored(name, reason);
    }
    return undefined;
  }

  /** An error in one directory must not block the others. The same one in a row is reported once. */
  async #attempt(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failures.delete(name);
    } catch (error) {
      const kind = kindOf(error);
      if (this.#failures.get(name) === kind) return;
      this.#failures.set(name, kind);
      this.#parts.onFailure(error);
    }
  }
}

function whyIgnored(organization: Organization | undefined): string | undefined {
  if (organization?.type !== 'supplier') return 'no supplier has this name';
  return organization.disabledAtMs === null ? undefined : 'the supplier is disabled';
}

/** What two errors have in common that differ only in a file's name or in figures. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}
