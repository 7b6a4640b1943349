/** Everything that a server logs. docs/logs.md describes the same events and fields (tested). */

interface FieldDefinition {
  /** `error` is an object with `type`, `message` and `stack`. */
  readonly type: 'string' | 'number' | 'string or null' | 'error' | 'object' | 'list of strings';
  readonly meaning: string;
}

/** The fields of every entry; those of a request are in each entry about it. */
export const ENTRY_FIELDS = {
  level: { type: 'number', meaning: '30 info, 40 warn, 50 error' },
  time: { type: 'number', meaning: 'milliseconds since 1970-01-01T00:00Z' },
  pid: { type: 'number', meaning: 'the process' },
  hostname: { type: 'string', meaning: 'the machine' },
  msg: { type: 'string', meaning: 'the event' },
} as const satisfies Readonly<Record<string, FieldDefinition>>;

export const REQUEST_FIELDS = {
  request_id: { type: 'string', meaning: "as in the response's `Request-Id`" },
  trace_id: { type: 'string', meaning: 'the [trace](tracing.md) that it is part of, if any' },
  span_id: {
    type: 'string',
    meaning: "its span in that trace; without an SDK, the client's span",
  },
} as const satisfies Readonly<Record<string, FieldDefinition>>;

/** Fields of events: a name means the same in each of them. */
export const EVENT_FIELDS = {
  ...REQUEST_FIELDS,
  method: { type: 'string', meaning: "the request's method" },
  path: { type: 'string', meaning: 'its path, without the query' },
  status: { type: 'number', meaning: 'the status of the response' },
  ms: { type: 'number', meaning: 'duration in milliseconds' },
  address: { type: 'string', meaning: "the client's IP address, see `--trust-proxy`" },
  organization: { type: 'string', meaning: 'the name of the organization' },
  token_id: {
    type: 'number',
    meaning: '`onhand token list` shows the IDs. Missing after most 401s and for logins',
  },
  lines: { type: 'number', meaning: 'of a bulk request, a stream, a single update or a file' },
  failed: { type: 'number', meaning: 'how many of the lines failed' },
  error: { type: 'string', meaning: 'the [code](errors.md) of the problem' },
  err: { type: 'error', meaning: 'the cause, as `type`, `message` and `stack`' },
  row: { type: 'number', meaning: 'the row of the stream, from 1' },
  code: { type: 'string', meaning: "Node.js's code for what is malformed" },
  reason: { type: 'string', meaning: 'why' },
  file: { type: 'string', meaning: 'the UUID of a file; of a backup, its path' },
  filename: { type: 'string or null', meaning: 'as it was uploaded' },
  folder: { type: 'string', meaning: 'a folder in the drop folder' },
  expected_interval_minutes: { type: 'number', meaning: 'how often the supplier should report' },
  last_heard: { type: 'string or null', meaning: 'when it reported last (RFC 3339)' },
  bytes: { type: 'number', meaning: 'size' },
  deleted: { type: 'list of strings', meaning: 'older backups that were deleted' },
  entry: { type: 'object', meaning: 'the entry of the audit log that is missing there' },
  channel: { type: 'string', meaning: 'email or webhook' },
  version: { type: 'string', meaning: 'the version of onhand' },
  database: { type: 'string', meaning: 'without its password' },
  from: { type: 'number', meaning: 'the version of the schema before' },
  to: { type: 'number', meaning: 'and after' },
} as const satisfies Readonly<Record<string, FieldDefinition>>;

type FieldName = keyof typeof EVENT_FIELDS;

interface EventDefinition {
  readonly level: 'info' | 'warn' | 'error';
  readonly when: string;
  readonly fields: readonly FieldName[];
  /** Fields that not every entry has. */
  readonly optional?: readonly FieldName[];
  /** Whether it is about a request, so that the entry also has the fields of requests. */
  readonly ofRequest?: true;
}

const FILE_FIELDS = {
  fields: ['file', 'filename', 'lines', 'failed'],
  optional: ['organization', 'error', 'trace_id'],
} as const;
const REPORT_FIELDS = {
  fields: ['organization', 'expected_interval_minutes', 'last_heard'],
} as const;
const FAILURE = { level: 'error', fields: ['err'] } as const;

export const LOG_EVENTS = {
  answered: {
    level: 'info',
    when: 'The response to a request has ended',
    ofRequest: true,
    fields: ['method', 'path', 'status', 'ms', 'address'],
    optional: ['organization', 'token_id', 'lines', 'failed', 'error'],
  },
  'unexpected error': {
    ...FAILURE,
    when: 'A request was answered with 500. It is a bug: please report it',
    ofRequest: true,
  },
  'store unavailable': {
    ...FAILURE,
    when: 'A request was answered with 503, because the database cannot be read or written',
    ofRequest: true,
  },
  'a worker thread ended': {
    ...FAILURE,
    when: 'A request was answered with 503, because its worker thread ended, for example without memory',
    ofRequest: true,
  },
  'the client disconnected': {
    level: 'info',
    when: 'A client left before it had its response',
    ofRequest: true,
    fields: [],
  },
  'the client of a stream disconnected': {
    level: 'info',
    when: 'A client left before its stream had ended',
    ofRequest: true,
    fields: ['row'],
  },
  'a stream was aborted': {
    level: 'info',
    when: 'A stream ended with a problem row',
    ofRequest: true,
    fields: ['err', 'row'],
  },
  'a change stream ended': {
    level: 'info',
    when: 'A stream of the change feed could not continue; the client reconnects',
    ofRequest: true,
    fields: ['err'],
  },
  'audit entry not written': {
    level: 'error',
    when: 'An action was done, and its entry in the audit log could not be stored',
    ofRequest: true,
    fields: ['err', 'entry'],
  },
  'refused a malformed request': {
    level: 'info',
    when: 'A connection sent no valid HTTP request',
    fields: ['request_id'],
    optional: ['address', 'code'],
  },
  'disconnected a client': {
    level: 'info',
    when: 'A client was too slow, sent tiny chunks or pipelined too many requests',
    fields: ['reason'],
    optional: ['address'],
  },
  'file done': { level: 'info', when: 'A file was applied', ...FILE_FIELDS },
  'file refused': {
    level: 'info',
    when: 'A file was refused; nothing was applied',
    ...FILE_FIELDS,
  },
  'file held': {
    level: 'info',
    when: 'A file waits for an answer of its supplier',
    ...FILE_FIELDS,
  },
  'file failed': { level: 'info', when: 'A file was applied in part', ...FILE_FIELDS },
  'file canceled': { level: 'info', when: 'A file was canceled', ...FILE_FIELDS },
  'files failed': { ...FAILURE, when: 'Files could not be processed now; they are tried again' },
  'drop folder: files are ignored': {
    level: 'warn',
    when: 'Files are in a folder of no supplier, or of a disabled one; they stay there',
    fields: ['folder', 'reason'],
  },
  'drop folder failed': {
    ...FAILURE,
    when: 'A folder cannot be read or written; again when the error changes',
  },
  'supplier late': {
    level: 'warn',
    when: 'A supplier has not reported for longer than [expected](changes.md#freshness); again after a restart',
    ...REPORT_FIELDS,
  },
  'supplier no longer late': {
    level: 'info',
    when: 'It has reported again',
    ...REPORT_FIELDS,
  },
  'check for late suppliers failed': { ...FAILURE, when: 'The check is repeated after a minute' },
  'webhooks failed': {
    ...FAILURE,
    when: 'Webhooks could not be sent because of the database; they are sent later',
  },
  'sweep failed': { ...FAILURE, when: 'Old data could not be deleted; it is tried again' },
  'the use of tokens was not recorded': {
    ...FAILURE,
    when: 'The time at which tokens were last used could not be stored',
  },
  'backed up': {
    level: 'info',
    when: 'A scheduled backup was made',
    fields: ['file', 'bytes', 'deleted'],
  },
  'backup failed': { ...FAILURE, when: 'A scheduled backup could not be made' },
  'safety limit not recorded': {
    ...FAILURE,
    when: 'A request exceeded a safety limit and was refused; [recipients](notifications.md) are not told',
  },
  'confirmation not sent': {
    ...FAILURE,
    when: 'The mail server did not accept the email that asks for a [confirmation](notifications.md#email-addresses)',
    ofRequest: true,
  },
  'notification failed': {
    level: 'error',
    when: 'A [notification](notifications.md) was not accepted; it is sent again later',
    fields: ['err'],
    optional: ['channel'],
  },
  'a scrape of the metrics failed': { ...FAILURE, when: 'Prometheus got a 500' },
  starting: { level: 'info', when: 'The server starts', fields: ['version', 'database'] },
  'database migrated': {
    level: 'info',
    when: 'A [migration](upgrading.md#migrations) was run',
    fields: ['from', 'to', 'ms'],
  },
  'closing: accepted requests are finished first': {
    level: 'info',
    when: 'The shutdown begins',
    fields: [],
  },
  closed: { level: 'info', when: 'All accepted requests are answered', fields: [] },
} as const satisfies Readonly<Record<string, EventDefinition>>;

/** What the framework logs itself: the address follows. */
export const LISTENING = 'Server listening at ';

type Events = typeof LOG_EVENTS;
export type EventName = keyof Events;

/** An event with all its members. */
export function eventOf(name: EventName): EventDefinition {
  return LOG_EVENTS[name];
}

interface ValueOfType {
  readonly string: string;
  readonly number: number;
  readonly 'string or null': string | null;
  readonly error: unknown;
  readonly object: object;
  readonly 'list of strings': readonly string[];
}
type Value<Name extends FieldName> = ValueOfType[(typeof EVENT_FIELDS)[Name]['type']];
type Required<Name extends EventName> = Events[Name]['fields'][number];
type Optional<Name extends EventName> = Events[Name] extends {
  readonly optional: readonly (infer Field extends FieldName)[];
}
  ? Field
  : never;

/** The fields that an event is logged with; those of requests are added by their logger. */
export type FieldsOf<Name extends EventName> = {
  readonly [Field in Required<Name>]: Value<Field>;
} & { readonly [Field in Optional<Name>]?: Value<Field> | undefined };

/** The events whose only field is the cause of a failure. */
export type FailureName = {
  [Name in EventName]: FieldsOf<Name> extends { readonly err: unknown }
    ? Required<Name> extends 'err'
      ? Name
      : never
    : never;
}[EventName];
