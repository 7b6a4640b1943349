import type { ResponseObject } from '../remote/response.ts';
import { printNote } from '../output.ts';
import type { RetryPolicy } from '../remote/retry-policy.ts';
import type { PushProgress } from './progress.ts';
import type { Pushed } from './report.ts';
import type { FailureExcerpt } from './excerpt.ts';
import { readResults, writeResults } from './results.ts';
import type { PushResumeState } from './resume-state.ts';
import type { PushSource } from './source.ts';
import { awaitEnd, failedOf, statusCountsOf, upload, type PushTerms } from './upload.ts';
import { RemoteRefusal, type Remote } from '../remote/client.ts';

export interface FilePush {
  readonly remote: Remote;
  readonly patience: RetryPolicy;
  readonly run: PushResumeState;
  readonly terms: PushTerms;
  readonly isDryRun: boolean;
  readonly progress: PushProgress;
  /** Null where none are to be written. */
  readonly resultsPath: string | null;
}

/** Where somebody watches, progress is shown about once a second. */
const WAIT_SECONDS_WATCHED = 1;
const WAIT_SECONDS = 10;

/** Sends one file, or goes on waiting for one that was sent, and says what became of it. */
export async function pushFile(push: FilePush, source: PushSource, place: number): Promise<Pushed> {
  const startedMs = performance.now();
  const sent = await sentFile(push, source, place);
  push.progress.stop();
  const seconds = (performance.now() - startedMs) / 1000;
  const told = { path: source.path, isDryRun: push.isDryRun, seconds };
  if (sent instanceof RemoteRefusal) {
    return {
      ...told,
      uuid: null,
      state: 'refused',
      statusCounts: {},
      problem: sent.detail,
      ...NOTHING,
      resultsPath: null,
    };
  }
  const uuid = String(sent.scalar('uuid'));
  const state = String(sent.scalar('state'));
  const statusCounts = statusCountsOf(sent);
  const resultsPath = state === 'held' ? null : await writtenResults(push, uuid);
  const isShown = state !== 'held' && (push.isDryRun || failedOf(statusCounts) > 0);
  return {
    ...told,
    uuid,
    state,
    statusCounts,
    problem: problemOf(push, sent),
    ...(isShown ? await excerptOf(push, uuid, resultsPath) : NOTHING),
    resultsPath,
  };
}

/** The file once it is over, or why the server does not take it. */
async function sentFile(
  push: FilePush,
  source: PushSource,
  place: number,
): Promise<ResponseObject | RemoteRefusal> {
  const { run, progress, terms } = push;
  const show = progress.show.bind(progress);
  const waitSeconds = process.stderr.isTTY ? WAIT_SECONDS_WATCHED : WAIT_SECONDS;
  for (;;) {
    let uuid = run.uuidOf(place);
    if (uuid === null) {
      try {
        uuid = await upload(push, source, terms, run.keyOf(place), show);
      } catch (error) {
        if (error instanceof RemoteRefusal && isAboutTheFile(error)) return error;
        throw error;
      }
      run.setUuid(place, uuid);
    }
    show({ phase: 'waiting' });
    const file = await awaitEnd(push, uuid, waitSeconds, show);
    if (file !== undefined) return file;
    // The server was put back to a time before it took the file: it is sent again.
    run.setUuid(place, null);
  }
}

/** Bad bytes, too many of them, or terms that cannot be: the same file would be refused again. */
function isAboutTheFile({ status }: RemoteRefusal): boolean {
  return [400, 413, 415, 422].includes(status);
}

function problemOf({ remote }: FilePush, file: ResponseObject): string | null {
  const detail = file.object('problem').scalar('detail');
  if (file.scalar('state') !== 'held') return detail === null ? null : String(detail);
  const path = `${remote.url}/timp/organizations/files/${String(file.scalar('uuid'))}/confirm/`;
  return `${String(detail ?? '')} If it is meant, let it through with POST ${path}`.trim();
}

const NOTHING: FailureExcerpt = { failures: [], difference: null };

/** Where the results are; null where they are not to be had. */
async function writtenResults(push: FilePush, uuid: string): Promise<string | null> {
  const path = push.resultsPath;
  if (path === null) return null;
  return unlessMissing(async () => {
    await writeResults(push, uuid, path);
    return path;
  }, null);
}

function excerptOf(
  push: FilePush,
  uuid: string,
  writtenPath: string | null,
): Promise<FailureExcerpt> {
  return unlessMissing(
    () => readResults(push, uuid, { writtenPath, isDryRun: push.isDryRun }),
    NOTHING,
  );
}

/** What was applied stays applied, also where its results are not kept or cannot be written. */
async function unlessMissing<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isMissing = error instanceof RemoteRefusal && error.status < SERVER_FAULTS_FROM;
    const isLocal = error instanceof Error && 'syscall' in error;
    if (!isMissing && !isLocal) throw error;
    printNote(`onhand: The results cannot be had: ${error.message}`);
    return otherwise;
  }
}

const SERVER_FAULTS_FROM = 500;
