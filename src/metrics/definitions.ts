/** Every metric, by name. docs/metrics.md describes the same ones (tested). */
import { APPLIED } from '../domain/batch-decision.ts';
import { BATCH_SOURCES } from '../domain/batches.ts';
import { ERROR_CODES } from '../domain/errors.ts';
import { ENDED_STATES } from '../domain/files.ts';

interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /**
   * The labels with all their values; null if these are known only while the server runs. No label has values that a
   * client can make up. The series of a counter whose values are all known exist from the start: the first event would
   * otherwise be no increase.
   */
  readonly labels?: Readonly<Record<string, readonly string[] | null>>;
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[];
}

/** The buckets that OpenTelemetry recommends for the duration of HTTP requests. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** From a small group on a fast disk to a file of a million rows. */
const WRITE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const REFUSED = 422;
export const LEFT_OUT = 424;
/** The names of the results of lines, which the API shows as status codes. */
export const RESULT_OF_STATUS: Readonly<Record<number, string>> = {
  [APPLIED]: 'applied',
  400: 'unreadable',
  404: 'not_found',
  412: 'condition_failed',
  [REFUSED]: 'refused',
  [LEFT_OUT]: 'left_out',
};
/** `other` is a file that was not recognized. */
const FILE_FORMATS = ['csv', 'xlsx', 'json', 'ndjson', 'x12', 'edifact', 'other'];

export const METRICS = {
  http_server_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the arrival of a request to the end of its response.',
    labels: {
      http_request_method: null,
      http_route: null,
      http_response_status_code: null,
      // Absent for other requests.
      onhand_stream: ['true'],
    },
    buckets: REQUEST_SECONDS,
  },
  onhand_request_errors_total: {
    type: 'counter',
    help: 'Requests that were answered with an error, by the code of the error.',
    labels: { error: ERROR_CODES },
  },
  onhand_batches_total: {
    type: 'counter',
    help: 'Batches that were applied.',
    labels: { source: BATCH_SOURCES },
  },
  onhand_batches_refused_total: {
    type: 'counter',
    help: 'Batches that were refused as a whole, by the code of the error.',
    labels: { error: ERROR_CODES },
  },
  onhand_lines_total: {
    type: 'counter',
    help: 'Lines of applied batches, by their result.',
    labels: { result: Object.values(RESULT_OF_STATUS), source: BATCH_SOURCES },
  },
  onhand_commit_duration_seconds: {
    type: 'histogram',
    help: 'Time that the store takes to decide, write and commit a group of batches.',
    buckets: WRITE_SECONDS,
  },
  onhand_queue_wait_seconds: {
    type: 'histogram',
    help: 'Time that a batch waits before its group is given to the store.',
    buckets: WRITE_SECONDS,
  },
  onhand_queue_lines: { type: 'gauge', help: 'Lines that wait to be given to the store.' },
  onhand_store_up: {
    type: 'gauge',
    help: 'Whether the store can read and write: 1 or 0.',
  },
  onhand_database_workers: {
    type: 'gauge',
    help: 'Workers of a distributed database, by whether they can be reached.',
    labels: { state: null },
  },
  onhand_read_database_up: {
    type: 'gauge',
    help: 'Whether the standby that answers reads can be used: 1 or 0.',
  },
  onhand_read_database_lag_seconds: {
    type: 'gauge',
    help: 'Age of the last transaction that the standby has replayed; 0 while it lacks nothing.',
  },
  onhand_reads_total: {
    type: 'counter',
    help: 'Reads that the standby may answer, by the server that answered.',
    labels: { server: null },
  },
  onhand_log_tail_changes: {
    type: 'gauge',
    help: 'Changes that the inventory table lacks (SQLite).',
  },
  onhand_sweep_age_seconds: {
    type: 'gauge',
    help: 'Time since the inventory table was last brought up to date; 0 while it lacks nothing (SQLite).',
  },
  onhand_checkpoint_age_seconds: {
    type: 'gauge',
    help: 'Time since the write-ahead log was last copied into the database file, or since the start (SQLite).',
  },
  onhand_write_ahead_log_bytes: {
    type: 'gauge',
    help: 'Size of the write-ahead log (SQLite).',
  },
  onhand_database_connections: {
    type: 'gauge',
    help: 'Connections to the database by state, and calls that wait for one (PostgreSQL).',
    labels: { state: null },
  },
  onhand_thread_active_seconds_total: {
    type: 'counter',
    help: 'Time that a thread has worked, rather than waited for something to do.',
    labels: { thread: null },
  },
  onhand_change_feed_lag_seconds: {
    type: 'gauge',
    help: 'How long the reader that is furthest behind has had changes to read; by opt-in of each organization.',
    labels: { consumer: null, organization: null },
  },
  onhand_webhook_deliveries_total: {
    type: 'counter',
    help: 'Attempts to deliver a message to a webhook.',
    labels: { outcome: ['delivered', 'failed', 'gone'] },
  },
  onhand_webhooks_paused_total: {
    type: 'counter',
    help: 'Webhooks that were paused because their messages could not be delivered.',
  },
  onhand_files_total: {
    type: 'counter',
    help: 'Files that reached a state: done, refused, held, failed or canceled.',
    labels: { state: ENDED_STATES, format: FILE_FORMATS },
  },
  onhand_supplier_late: {
    type: 'gauge',
    help: 'Suppliers that have not reported for longer than expected; by opt-in 1 or 0 for each.',
    labels: { supplier: null },
  },
  onhand_budget_used: {
    type: 'gauge',
    help: 'How much of a budget all organizations together use now.',
    labels: { budget: null },
  },
  onhand_budget_limit: {
    type: 'gauge',
    help: 'How much of a budget all organizations together may use.',
    labels: { budget: null },
  },
  onhand_organization_budget_saturation_ratio: {
    type: 'gauge',
    help: 'How much of its own share the organization uses that uses most of it, from 0 to 1.',
    labels: { budget: null },
  },
  onhand_files_disk_free_bytes: {
    type: 'gauge',
    help: 'Free space on the disk where files are stored.',
  },
  onhand_backup_up: {
    type: 'gauge',
    help: 'Whether the last scheduled backup succeeded and none is overdue: 1 or 0.',
  },
  onhand_backup_age_seconds: {
    type: 'gauge',
    help: 'Time since the latest backup was begun.',
  },
  onhand_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say which version runs.',
    labels: { version: null, database: null, node: null },
  },
  nodejs_eventloop_lag_mean_seconds: {
    type: 'gauge',
    help: 'Mean delay of the event loop since the last scrape.',
  },
  nodejs_eventloop_lag_p99_seconds: {
    type: 'gauge',
    help: 'The 99th percentile of the delay of the event loop since the last scrape.',
  },
  nodejs_eventloop_lag_max_seconds: {
    type: 'gauge',
    help: 'The longest delay of the event loop since the last scrape.',
  },
  nodejs_heap_size_used_bytes: {
    type: 'gauge',
    help: 'Used heap of the main thread.',
  },
  nodejs_heap_size_total_bytes: {
    type: 'gauge',
    help: 'Heap of the main thread.',
  },
  nodejs_external_memory_bytes: {
    type: 'gauge',
    help: 'Memory outside of the heap that its objects use.',
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Memory of the process, with all threads.',
  },
  process_cpu_seconds_total: {
    type: 'counter',
    help: 'Processor time of the process, with all threads.',
  },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'When the process started, in seconds since 1970-01-01T00:00Z.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

type Definitions = typeof METRICS;
/** The names of the metrics of a type. */
export type MetricName<Type extends MetricDefinition['type'] = MetricDefinition['type']> = {
  [Name in keyof Definitions]: Definitions[Name]['type'] extends Type ? Name : never;
}[keyof Definitions];
/** The labels of a metric. A label without a value is omitted. */
export type LabelsOf<Name extends MetricName> = Definitions[Name] extends {
  readonly labels: infer Labels;
}
  ? Readonly<Partial<Record<keyof Labels & string, string>>>
  : Readonly<Record<string, never>>;

export const METRIC_NAMES = namesOf(METRICS);

function namesOf<Name extends string>(record: Readonly<Record<Name, unknown>>): readonly Name[];
function namesOf(record: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(record);
}

/** The definition of a metric, with all its members. */
export function definitionOf(name: MetricName): MetricDefinition {
  return METRICS[name];
}

/** Every combination of the labels' values; none if some are not known. */
export function seriesOf({ labels = {} }: MetricDefinition): Record<string, string>[] {
  let series: Record<string, string>[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    series = (values ?? []).flatMap((value) => series.map((one) => ({ ...one, [label]: value })));
  }
  return series;
}

export function isFileFormat(format: string): boolean {
  return FILE_FORMATS.includes(format);
}
