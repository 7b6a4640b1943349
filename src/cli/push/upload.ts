import { ResponseObject } from '../remote/response.ts';
import type { RetryPolicy } from '../remote/retry-policy.ts';
import { contentOf, type PushSource } from './source.ts';
import { RemoteRefusal, type Remote } from '../remote/client.ts';

export const FILES_PATH = '/timp/organizations/files/';
const NOT_FOUND = 404;

/** What the server is asked beside the rows, as it is asked. */
export interface PushTerms {
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** How far an upload is. */
export type UploadProgress =
  | { readonly phase: 'sending'; readonly bytes: number; readonly bytesTotal: number }
  | { readonly phase: 'waiting' }
  | {
      readonly phase: 'applying';
      readonly rows: number;
      readonly rowsTotal: number | null;
      readonly failed: number;
    };

/** Sends a file whole, as often as it takes; gives the uuid under which the server keeps it. */
export async function upload(
  { remote, patience }: { readonly remote: Remote; readonly patience: RetryPolicy },
  source: PushSource,
  { query, headers }: PushTerms,
  key: string,
  onProgress: (progress: UploadProgress) => void,
): Promise<string> {
  const named = { ...query, ...(source.filename !== null && { filename: source.filename }) };
  const path = `${FILES_PATH}upload/?${new URLSearchParams(named).toString()}`;
  return patience.keepTrying(async () => {
    if (source.bytes > UNASKED_BYTES_MAX) await askWhetherLetIn(remote);
    let bytes = 0;
    const response = await remote.open({
      method: 'POST',
      path,
      headers: {
        ...headers,
        'content-type': 'application/octet-stream',
        'content-length': String(source.bytes),
        'idempotency-key': key,
      },
      body: contentOf(source, (more) => {
        bytes += more;
        onProgress({ phase: 'sending', bytes, bytesTotal: source.bytes });
      }),
    });
    return String(new ResponseObject(await remote.readJson(response)).scalar('uuid'));
  });
}

/** A body that fits into the buffers of a connection: a refusal of the request comes through beside it. */
const UNASKED_BYTES_MAX = 64 * 1024;
const BODY_MISSING = 400;

/**
 * Sends no file, of which a server complains only to those who may send one. A server that refuses a
 * request does not read on, and its answer may be lost where much is being sent.
 */
async function askWhetherLetIn(remote: Remote): Promise<void> {
  try {
    await remote.ask('POST', `${FILES_PATH}upload/`);
  } catch (error) {
    if (error instanceof RemoteRefusal && error.status === BODY_MISSING) return;
    throw error;
  }
}

const ENDED = ['done', 'refused', 'failed', 'canceled', 'held'];

/**
 * Waits until a file is over, or held; undefined where the server knows of none.
 *
 * @param waitSeconds how long it may take to hear of progress, at most 30
 */
export async function awaitEnd(
  { remote, patience }: { readonly remote: Remote; readonly patience: RetryPolicy },
  uuid: string,
  waitSeconds: number,
  onProgress: (progress: UploadProgress) => void,
): Promise<ResponseObject | undefined> {
  const path = `${FILES_PATH}${encodeURIComponent(uuid)}/?wait=${waitSeconds}`;
  for (;;) {
    const file = await patience.keepTrying(async () => {
      try {
        return new ResponseObject(await remote.ask('GET', path));
      } catch (error) {
        if (error instanceof RemoteRefusal && error.status === NOT_FOUND) return undefined;
        throw error;
      }
    });
    if (file === undefined || ENDED.includes(String(file.scalar('state')))) return file;
    onProgress(progressOf(file));
  }
}

function progressOf(file: ResponseObject): UploadProgress {
  if (file.scalar('state') === 'waiting') return { phase: 'waiting' };
  const rowsTotal = file.scalar('rows_expected');
  return {
    phase: 'applying',
    rows: file.number('rows'),
    rowsTotal: typeof rowsTotal === 'number' ? rowsTotal : null,
    failed: failedOf(statusCountsOf(file)),
  };
}

export type StatusCounts = Readonly<Record<string, number>>;

/** How many rows got each status. */
export function statusCountsOf(file: ResponseObject): StatusCounts {
  const counts = file.object('status_counts');
  return Object.fromEntries(counts.names.map((status) => [status, counts.number(status)]));
}

export function failedOf(counts: StatusCounts): number {
  return Object.entries(counts).reduce(
    (sum, [status, count]) => (status === '200' ? sum : sum + count),
    0,
  );
}
