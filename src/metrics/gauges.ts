import type { Store, StoreHealth } from '../store/store.ts';
import type { LabelsOf, MetricName } from './definitions.ts';
import type { Instruments } from './instruments.ts';
import { ProcessWatch } from './process-watch.ts';

/** How much of a budget is used now. */
export interface BudgetUse {
  readonly used: number;
  readonly limit: number;
  /** How much of its own share the organization uses that uses most of it, from 0 to 1. */
  readonly largestShare?: number;
}

/** What is read at each scrape. Nothing of it reads a table, except for names with `isPerReader`. */
export interface GaugeSources {
  readonly build: { readonly version: string; readonly database: string };
  readonly store: Pick<Store, 'measure' | 'accounts'>;
  /** Resolves if the store can read and write. */
  readonly probe: () => Promise<StoreHealth>;
  readonly waitingLines: () => number;
  readonly budgets: () => Readonly<Record<string, BudgetUse>>;
  /** The suppliers that are expected to report; undefined before the first check. */
  readonly expectedSuppliers: () =>
    readonly { readonly name: string; readonly isLate: boolean }[] | undefined;
  /** By kind of reader and organization: how long the reader that is furthest behind has had changes to read, in ms. */
  readonly feedLagsMs: () => Readonly<Record<string, ReadonlyMap<number, number>>>;
  /** Free space where files are stored; null if there is no such place. */
  readonly freeDiskBytes: () => Promise<number | null>;
  /** How current the scheduled backups are; undefined if there are none. */
  readonly backups: () =>
    { readonly latestAtMs: number | null; readonly isUp: boolean } | undefined;
  /** Whether each supplier has a series of its own. */
  readonly isPerSupplier: boolean;
  /** Whether each organization whose readers are behind has a series of its own. */
  readonly isPerReader: boolean;
}

/** Reads the state of a server into its gauges. */
export class Gauges {
  readonly #instruments: Instruments;
  readonly #sources: GaugeSources;
  readonly #process = new ProcessWatch();

  constructor(instruments: Instruments, sources: GaugeSources) {
    this.#instruments = instruments;
    this.#sources = sources;
    const { version, database } = sources.build;
    const labels = { version, database, node: process.version };
    instruments.gauge('onhand_build_info', [[labels, 1]]);
  }

  async update(): Promise<void> {
    this.#set('onhand_queue_lines', this.#sources.waitingLines());
    this.#updateBudgets();
    this.#updateSuppliers();
    this.#updateBackups();
    this.#process.update(this.#instruments);
    await Promise.all([
      this.#updateStore(),
      this.#updateProbe(),
      this.#updateDisk(),
      this.#updateFeedLags(),
    ]);
  }

  /** Stops measuring the event loop. */
  stop(): void {
    this.#process.stop();
  }

  /** Sets a gauge without labels; undefined removes it. */
  #set<Name extends UnlabelledGauge>(name: Name, value: number | undefined): void {
    this.#instruments.gauge<UnlabelledGauge>(name, value === undefined ? [] : [[{}, value]]);
  }

  async #updateFeedLags(): Promise<void> {
    const { feedLagsMs, isPerReader } = this.#sources;
    const values: (readonly [LabelsOf<'onhand_change_feed_lag_seconds'>, number])[] = [];
    for (const [consumer, lagsMs] of Object.entries(feedLagsMs())) {
      if (isPerReader)
        for (const [organization, ms] of await this.#named(lagsMs))
          values.push([{ consumer, organization }, ms / 1000]);
      else values.push([{ consumer }, Math.max(0, ...lagsMs.values()) / 1000]);
    }
    this.#instruments.gauge('onhand_change_feed_lag_seconds', values);
  }

  /** Values by the names of organizations, instead of their ids; none while the database does not answer. */
  async #named(
    values: ReadonlyMap<number, number>,
  ): Promise<readonly (readonly [name: string, value: number])[]> {
    if (values.size === 0) return [];
    const { accounts } = this.#sources.store;
    // The other metrics are needed most while the database does not answer.
    const found = await accounts.findOrganizationsById([...values.keys()]).catch(() => []);
    return found.map(({ id, name }) => [name, values.get(id) ?? 0]);
  }

  #updateBudgets(): void {
    const budgets = Object.entries(this.#sources.budgets());
    const instruments = this.#instruments;
    instruments.gauge(
      'onhand_budget_used',
      budgets.map(([budget, { used }]) => [{ budget }, used]),
    );
    instruments.gauge(
      'onhand_budget_limit',
      budgets.map(([budget, { limit }]) => [{ budget }, limit]),
    );
    instruments.gauge(
      'onhand_organization_budget_saturation_ratio',
      budgets.flatMap(([budget, { largestShare }]) =>
        largestShare === undefined ? [] : [[{ budget }, largestShare] as const],
      ),
    );
  }

  #updateSuppliers(): void {
    const suppliers = this.#sources.expectedSuppliers();
    const values: (readonly [LabelsOf<'onhand_supplier_late'>, number])[] = [];
    if (suppliers !== undefined && this.#sources.isPerSupplier)
      for (const { name, isLate } of suppliers) values.push([{ supplier: name }, isLate ? 1 : 0]);
    else if (suppliers !== undefined)
      values.push([{}, suppliers.filter(({ isLate }) => isLate).length]);
    this.#instruments.gauge('onhand_supplier_late', values);
  }

  #updateBackups(): void {
    const backups = this.#sources.backups();
    this.#set('onhand_backup_up', backups && (backups.isUp ? 1 : 0));
    const latestAtMs = backups?.latestAtMs ?? undefined;
    const age = latestAtMs === undefined ? undefined : Math.max(0, Date.now() - latestAtMs) / 1000;
    this.#set('onhand_backup_age_seconds', age);
  }

  async #updateStore(): Promise<void> {
    const { log, connections, threadsActiveMs, standby } = await this.#sources.store.measure();
    const nowMs = Date.now();
    const ageOf = (atMs: number): number => Math.max(0, nowMs - atMs) / 1000;
    this.#set('onhand_log_tail_changes', log?.tailChanges);
    const sweepAge = log && (log.tailChanges === 0 ? 0 : ageOf(log.sweptAtMs));
    this.#set('onhand_sweep_age_seconds', sweepAge);
    this.#set('onhand_checkpoint_age_seconds', log && ageOf(log.checkpointedAtMs));
    this.#set('onhand_write_ahead_log_bytes', log?.bytes);
    this.#instruments.gauge(
      'onhand_database_connections',
      Object.entries(connections ?? {}).map(([state, count]) => [{ state }, count]),
    );
    this.#set('onhand_read_database_up', standby && (standby.isUp ? 1 : 0));
    const behindMs = standby?.behindMs;
    this.#set(
      'onhand_read_database_lag_seconds',
      behindMs === undefined ? undefined : behindMs / 1000,
    );
    this.#instruments.total(
      'onhand_reads_total',
      Object.entries(standby?.reads ?? {}).map(([server, count]) => [{ server }, count]),
    );
    const threads = { main: performance.eventLoopUtilization().active, ...threadsActiveMs };
    this.#instruments.total(
      'onhand_thread_active_seconds_total',
      Object.entries(threads).map(([thread, ms]) => [{ thread }, ms / 1000]),
    );
  }

  async #updateProbe(): Promise<void> {
    const health = await this.#sources.probe().catch(() => undefined);
    this.#set('onhand_store_up', health === undefined ? 0 : 1);
    // While the database does not answer, nothing is known of its workers.
    const workers = Map.groupBy(health?.workers ?? [], ({ isUp }) => isUp);
    const counts = { up: workers.get(true)?.length ?? 0, down: workers.get(false)?.length ?? 0 };
    this.#instruments.gauge(
      'onhand_database_workers',
      health?.workers === undefined
        ? []
        : Object.entries(counts).map(([state, count]) => [{ state }, count]),
    );
  }

  async #updateDisk(): Promise<void> {
    const bytes = await this.#sources.freeDiskBytes().catch(() => null);
    this.#set('onhand_files_disk_free_bytes', bytes ?? undefined);
  }
}

type UnlabelledGauge = {
  [Name in MetricName<'gauge'>]: LabelsOf<Name> extends Readonly<Record<string, never>>
    ? Name
    : never;
}[MetricName<'gauge'>];
