/** Pushes one file: uploads it, waits for its file job and fetches the results. */
import { answersTo, confirmQuery, type FileAnswer } from '../../domain/files.ts';
import {
  BodyMissing,
  FileNotFound,
  type FileWithBatches,
  OnhandError as RemoteError,
} from '../../../client/src/index.ts';
import { failureText, type Remote } from '../remote/client.ts';
import type { CommandContext } from '../context.ts';
import {
  failedOf,
  type PossibleAnswer,
  type Progress,
  type PushProgress,
  type Pushed,
} from './report.ts';
import { readResults, writeResults, type FailureExcerpt } from './results.ts';
import type { PushParameters, PushResumeState } from './resume-state.ts';
import { contentOf, type PushSource } from './source.ts';

/** The command line that sends a file again, with an answer to its questions. */
export type RepeatCommand = (path: string, answer: FileAnswer) => string;

/** How to push one file. */
export interface FilePush {
  readonly context: CommandContext;
  readonly remote: Remote;
  readonly resume: PushResumeState;
  readonly parameters: PushParameters;
  readonly isDryRun: boolean;
  readonly repeatCommand: RepeatCommand;
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
  if (file instanceof RemoteError) {
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
  const { uuid, state, status_counts: statusCounts } = file;
  const resultsPath = state === 'held' ? null : await saveResults(push, uuid);
  const isShown = state !== 'held' && (push.isDryRun || failedOf(statusCounts) > 0);
  return {
    ...common,
    uuid,
    state,
    statusCounts,
    problem: problemOf(push, file),
    answers: state === 'held' ? possibleAnswers(push, source, file) : [],
    notes: file.notes,
    unusedColumns: file.unknown_columns,
    ...(isShown ? await excerptOf(push, uuid, resultsPath) : NO_EXCERPT),
    resultsPath,
  };
}

/** The file job once it has ended, or why the server rejected the file. */
async function sendAndWait(
  push: FilePush,
  source: PushSource,
  index: number,
): Promise<FileWithBatches | RemoteError> {
  const { resume, progress } = push;
  const show = progress.show.bind(progress);
  const waitSeconds = push.context.stderr.isTTY === true ? WAIT_SECONDS_TERMINAL : WAIT_SECONDS;
  for (;;) {
    let uuid = resume.uuidOf(index);
    if (uuid === null) {
      try {
        uuid = await upload(push, source, resume.keyOf(index), show);
      } catch (error) {
        if (error instanceof RemoteError && isAboutTheFile(error)) return error;
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
function isAboutTheFile({ status }: RemoteError): boolean {
  return [400, 413, 415, 422].includes(status);
}

function problemOf({ remote }: FilePush, file: FileWithBatches): string | null {
  const detail = file.problem?.detail ?? null;
  if (file.state !== 'held' || file.questions.length > 0) return detail;
  return `${detail ?? ''} If this is intended, confirm it with POST ${confirmUrl(remote, file)}`.trim();
}

function confirmUrl({ url }: Remote, { uuid }: FileWithBatches): string {
  return `${url}/timp/organizations/files/${uuid}/confirm/`;
}

function possibleAnswers(
  { remote, repeatCommand }: FilePush,
  { path }: PushSource,
  file: FileWithBatches,
): readonly PossibleAnswer[] {
  return answersTo(file.questions).map((answer) => ({
    confirm: confirmUrl(remote, file) + confirmQuery(answer),
    command: repeatCommand(path, answer),
  }));
}

const NO_EXCERPT: FailureExcerpt = { failures: [], difference: null };

/** Writes the results; returns their path, or null if they are not available. */
async function saveResults(push: FilePush, uuid: string): Promise<string | null> {
  const path = push.resultsPath;
  if (path === null) return null;
  return unlessUnavailable(
    push,
    async () => {
      await writeResults(push.remote.onhand, uuid, path);
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
    push,
    () => readResults(push.remote.onhand, uuid, { writtenPath, isDryRun: push.isDryRun }),
    NO_EXCERPT,
  );
}

/** Returns `otherwise` if the results are no longer stored or cannot be written: the file was applied anyway. */
async function unlessUnavailable<T>(
  { context, remote }: FilePush,
  work: () => Promise<T>,
  otherwise: T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isMissing =
      error instanceof RemoteError && error.status > 0 && error.status < SERVER_ERRORS_FROM;
    const isLocal = error instanceof Error && 'syscall' in error;
    if (!isMissing && !isLocal) throw error;
    const reason = isMissing ? failureText(error, remote.url) : error.message;
    context.note(`onhand: The results are not available: ${reason}`);
    return otherwise;
  }
}

const SERVER_ERRORS_FROM = 500;

/** Uploads a file, with retries; returns the UUID of its file job. */
async function upload(
  { remote, parameters }: FilePush,
  source: PushSource,
  idempotencyKey: string,
  onProgress: (progress: Progress) => void,
): Promise<string> {
  const { filename, bytes: bytesTotal } = source;
  if (bytesTotal > UNCHECKED_BYTES_MAX) await checkAccess(remote);
  const content = (): ReadableStream<Uint8Array> => {
    let bytes = 0;
    return ReadableStream.from(
      contentOf(source, (more) => {
        bytes += more;
        onProgress({ phase: 'sending', bytes, bytesTotal });
      }),
    );
  };
  return remote.onhand.files.upload(content, {
    ...parameters,
    idempotencyKey,
    bytes: bytesTotal,
    ...(filename !== null && { filename }),
  });
}

/** A body this small fits into the connection's buffers, so a rejection always reaches the client. */
const UNCHECKED_BYTES_MAX = 64 * 1024;

/**
 * Rejects if the token may not upload. A server that rejects a request stops reading it, and its response
 * can be lost while a large body is being sent; so this first sends an empty body, for which a permitted
 * client gets 400.
 */
async function checkAccess({ onhand }: Remote): Promise<void> {
  try {
    await onhand.files.upload('');
  } catch (error) {
    if (!(error instanceof BodyMissing)) throw error;
  }
}

/**
 * Waits until a file job has ended or is held; undefined if the server does not know the file.
 *
 * @param waitSeconds the interval of progress reports, at most 30
 */
async function awaitEnd(
  { remote }: FilePush,
  uuid: string,
  waitSeconds: number,
  show: (progress: Progress) => void,
): Promise<FileWithBatches | undefined> {
  const onProgress = (file: FileWithBatches): void => show(progressOf(file));
  try {
    return await remote.onhand.files.wait(uuid, { waitSeconds, onProgress });
  } catch (error) {
    if (error instanceof FileNotFound) return undefined;
    throw error;
  }
}

function progressOf({
  state,
  rows,
  rows_expected: rowsTotal,
  status_counts,
}: FileWithBatches): Progress {
  if (state === 'waiting') return { phase: 'waiting' };
  return { phase: 'applying', rows, rowsTotal, failed: failedOf(status_counts) };
}
