/** Pushes one file: uploads it, waits for its file job and fetches the results. */
import { RemoteRefusal, type Remote } from '../remote/http.ts';
import { ResponseObject } from '../remote/response.ts';
import type { RetryPolicy } from '../remote/retry-policy.ts';
import type { CommandContext } from '../context.ts';
import {
  failedOf,
  statusCountsOf,
  type Progress,
  type PushProgress,
  type Pushed,
} from './report.ts';
import { FILES_PATH, readResults, writeResults, type FailureExcerpt } from './results.ts';
import type { PushParameters, PushResumeState } from './resume-state.ts';
import { contentOf, type PushSource } from './source.ts';

/** How to push one file. */
export interface FilePush {
  readonly context: CommandContext;
  readonly remote: Remote;
  readonly retries: RetryPolicy;
  readonly resume: PushResumeState;
  readonly parameters: PushParameters;
  readonly isDryRun: boolean;
  readonly progress: PushProgress;
  /** Null if no results are written. */
  readonly resultsPath: string | null;
}

/** The interval of progress reports, on a terminal and elsewhere. */
const WAIT_SECONDS_TERMINAL = 1;
const WAIT_SECONDS = 10;

/**
 * Sends one file and waits for its results. Resumes waiting if an earlier run sent it.
 *
 * @param index of the file on the command line, from 0
 */
export async function pushFile(push: FilePush, source: PushSource, index: number): Promise<Pushed> {
  const startedMs = performance.now();
  const file = await sendAndWait(push, source, index);
  push.progress.stop();
  const seconds = (performance.now() - startedMs) / 1000;
  const common = { path: source.path, isDryRun: push.isDryRun, seconds };
  if (file instanceof RemoteRefusal) {
    return {
      ...common,
      uuid: null,
      state: 'refused',
      statusCounts: {},
      problem: file.detail,
      ...NO_EXCERPT,
      resultsPath: null,
    };
  }
  const uuid = String(file.scalar('uuid'));
  const state = String(file.scalar('state'));
  const statusCounts = statusCountsOf(file);
  const resultsPath = state === 'held' ? null : await saveResults(push, uuid);
  const isShown = state !== 'held' && (push.isDryRun || failedOf(statusCounts) > 0);
  return {
    ...common,
    uuid,
    state,
    statusCounts,
    problem: problemOf(push, file),
    ...(isShown ? await excerptOf(push, uuid, resultsPath) : NO_EXCERPT),
    resultsPath,
  };
}

/** The file job once it has ended, or why the server rejected the file. */
async function sendAndWait(
  push: FilePush,
  source: PushSource,
  index: number,
): Promise<ResponseObject | RemoteRefusal> {
  const { resume, progress, parameters } = push;
  const show = progress.show.bind(progress);
  const waitSeconds = push.context.stderr.isTTY === true ? WAIT_SECONDS_TERMINAL : WAIT_SECONDS;
  for (;;) {
    let uuid = resume.uuidOf(index);
    if (uuid === null) {
      try {
        uuid = await upload(push, source, parameters, resume.keyOf(index), show);
      } catch (error) {
        if (error instanceof RemoteRefusal && isAboutTheFile(error)) return error;
        throw error;
      }
      resume.setUuid(index, uuid);
    }
    show({ phase: 'waiting' });
    const file = await awaitEnd(push, uuid, waitSeconds, show);
    if (file !== undefined) return file;
    // The server was restored to a time before it received the file: send it again.
    resume.setUuid(index, null);
  }
}

/** Whether the same file would be rejected again: its content, its size or the options are wrong. */
function isAboutTheFile({ status }: RemoteRefusal): boolean {
  return [400, 413, 415, 422].includes(status);
}

function problemOf({ remote }: FilePush, file: ResponseObject): string | null {
  const detail = file.object('problem').scalar('detail');
  if (file.scalar('state') !== 'held') return detail === null ? null : String(detail);
  const path = `${remote.url}/timp/organizations/files/${String(file.scalar('uuid'))}/confirm/`;
  return `${String(detail ?? '')} If this is intended, confirm it with POST ${path}`.trim();
}

const NO_EXCERPT: FailureExcerpt = { failures: [], difference: null };

/** Writes the results; returns their path, or null if they are not available. */
async function saveResults(push: FilePush, uuid: string): Promise<string | null> {
  const path = push.resultsPath;
  if (path === null) return null;
  return unlessUnavailable(
    push.context,
    async () => {
      await writeResults(push, uuid, path);
      return path;
    },
    null,
  );
}

function excerptOf(
  push: FilePush,
  uuid: string,
  writtenPath: string | null,
): Promise<FailureExcerpt> {
  return unlessUnavailable(
    push.context,
    () => readResults(push, uuid, { writtenPath, isDryRun: push.isDryRun }),
    NO_EXCERPT,
  );
}

/** Returns `otherwise` if the results are no longer stored or cannot be written: the file was applied anyway. */
async function unlessUnavailable<T>(
  context: CommandContext,
  work: () => Promise<T>,
  otherwise: T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isMissing = error instanceof RemoteRefusal && error.status < SERVER_ERRORS_FROM;
    const isLocal = error instanceof Error && 'syscall' in error;
    if (!isMissing && !isLocal) throw error;
    context.note(`onhand: The results are not available: ${error.message}`);
    return otherwise;
  }
}

const SERVER_ERRORS_FROM = 500;

const NOT_FOUND = 404;

/** Uploads a file, with retries; returns the UUID of its file job. */
async function upload(
  { remote, retries }: FilePush,
  source: PushSource,
  { query, headers }: PushParameters,
  key: string,
  onProgress: (progress: Progress) => void,
): Promise<string> {
  const parameters = { ...query, ...(source.filename !== null && { filename: source.filename }) };
  const path = `${FILES_PATH}upload/?${new URLSearchParams(parameters).toString()}`;
  return retries.retry(async () => {
    if (source.bytes > UNCHECKED_BYTES_MAX) await checkAccess(remote);
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

/** A body this small fits into the connection's buffers, so a rejection always reaches the client. */
const UNCHECKED_BYTES_MAX = 64 * 1024;
const BODY_MISSING = 400;

/**
 * Rejects if the token may not upload. A server that rejects a request stops reading it, and its response
 * can be lost while a large body is being sent; so this first sends an empty body, for which a permitted
 * client gets 400.
 */
async function checkAccess(remote: Remote): Promise<void> {
  try {
    await remote.ask('POST', `${FILES_PATH}upload/`);
  } catch (error) {
    if (error instanceof RemoteRefusal && error.status === BODY_MISSING) return;
    throw error;
  }
}

const FINAL_STATES = ['done', 'refused', 'failed', 'canceled', 'held'];

/**
 * Waits until a file job has ended or is held; undefined if the server does not know the file.
 *
 * @param waitSeconds the interval of progress reports, at most 30
 */
async function awaitEnd(
  { remote, retries }: FilePush,
  uuid: string,
  waitSeconds: number,
  onProgress: (progress: Progress) => void,
): Promise<ResponseObject | undefined> {
  const path = `${FILES_PATH}${encodeURIComponent(uuid)}/?wait=${waitSeconds}`;
  for (;;) {
    const file = await retries.retry(async () => {
      try {
        return new ResponseObject(await remote.ask('GET', path));
      } catch (error) {
        if (error instanceof RemoteRefusal && error.status === NOT_FOUND) return undefined;
        throw error;
      }
    });
    if (file === undefined || FINAL_STATES.includes(String(file.scalar('state')))) return file;
    onProgress(progressOf(file));
  }
}

function progressOf(file: ResponseObject): Progress {
  if (file.scalar('state') === 'waiting') return { phase: 'waiting' };
  const rowsTotal = file.scalar('rows_expected');
  return {
    phase: 'applying',
    rows: file.number('rows'),
    rowsTotal: typeof rowsTotal === 'number' ? rowsTotal : null,
    failed: failedOf(statusCountsOf(file)),
  };
}
