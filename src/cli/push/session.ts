import { createHash } from 'node:crypto';
import { accessSync, constants, createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OnhandError as RemoteError } from '../../../client/src/index.ts';
import { OnhandError } from '../../domain/errors.ts';
import { onStopSignal, type CommandContext } from '../context.ts';
import { connect, explained, failureText, type Remote } from '../remote/client.ts';
import { noteOf } from '../remote/revert.ts';
import { pushFile, type RepeatCommand } from './file.ts';
import { isWorkbook, MTIME, PUSH_EXIT, STDIN_PATH, type PushOptions } from './options.ts';
import { ruleParameters } from './reading-options.ts';
import {
  exitCodeOf,
  printPushed,
  pushedJson,
  PushProgress,
  rowsText,
  type Pushed,
} from './report.ts';
import { PushResumeState, type PushParameters } from './resume-state.ts';
import { openSource, openStdin, spoolStdin, type PushSource } from './source.ts';
import { pushStream } from './stream.ts';

const MINUTE_MS = 60_000;
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

/** One run of `onhand push`. */
export class PushSession {
  readonly #context: CommandContext;
  readonly #options: PushOptions;
  readonly #remote: Remote;
  /** Describes what an interruption would leave behind; undefined while nothing is being sent. */
  #describeState: (() => string) | undefined;
  #progress: PushProgress | undefined;

  readonly #repeatCommand: RepeatCommand;

  private constructor(
    context: CommandContext,
    options: PushOptions,
    remote: Remote,
    repeatCommand: RepeatCommand,
  ) {
    this.#context = context;
    this.#repeatCommand = repeatCommand;
    this.#options = options;
    this.#remote = remote;
  }

  /** Rejects with `parameter_invalid` if there is no token. */
  static async open(
    context: CommandContext,
    options: PushOptions,
    repeatCommand: RepeatCommand,
  ): Promise<PushSession> {
    const limits = { retryForMs: options.retryMinutes * MINUTE_MS };
    const remote = await connect(context, options, limits, (text) => {
      session.#progress?.stop();
      context.note(text);
    });
    const session = new PushSession(context, options, remote, repeatCommand);
    return session;
  }

  /** Sends the files, prints the outcome and sets the exit code. Never resolves with `--watch`. */
  async start(paths: readonly string[]): Promise<void> {
    const release = onStopSignal((signal) => this.#interrupt(SIGNAL_EXIT[signal]));
    try {
      const { watch, settleSeconds, results } = this.#options;
      if (typeof results === 'string') checkFolder(results);
      if (watch === true) {
        await watchFiles(paths, settleSeconds * 1000, (changed) => this.#pushWatched(changed));
      }
      const pushed = await this.#push(paths);
      this.#printJson(pushed);
      this.#context.exitCode = exitCodeOf(pushed);
    } catch (error) {
      throw error instanceof RemoteError ? explained(error, this.#remote.url) : error;
    } finally {
      release();
    }
  }

  #interrupt(code: number): void {
    this.#progress?.stop();
    if (this.#describeState === undefined) process.exit(PUSH_EXIT.allApplied);
    this.#context.note(`onhand: interrupted; ${this.#describeState()}`);
    process.exit(code);
  }

  /** False if it failed but may succeed later: the server or a file was missing. */
  async #pushWatched(paths: readonly string[]): Promise<boolean> {
    try {
      this.#printJson(await this.#push(paths));
      return true;
    } catch (error) {
      const isSilent = error instanceof RemoteError && error.status === 0;
      if (!isSilent && !(error instanceof OnhandError)) throw error;
      const reason = isSilent ? failureText(error, this.#remote.url) : error.message;
      this.#context.note(`onhand: ${reason}`);
      return false;
    } finally {
      this.#describeState = undefined;
    }
  }

  async #push(paths: readonly string[]): Promise<readonly Pushed[]> {
    if (this.#options.stream === true) return this.#pushStreams(paths);
    const sources: PushSource[] = [];
    let removeSpool: (() => void) | undefined;
    for (const path of paths) {
      if (path !== STDIN_PATH) {
        sources.push(await openSource(path));
        continue;
      }
      const { isStream, content } = await openStdin(this.#context);
      if (isStream && paths.length === 1 && this.#mayStream()) {
        return [await this.#pushRows(path, content)];
      }
      const spooled = await spoolStdin(content);
      removeSpool = spooled.remove;
      sources.push(spooled.source);
    }
    try {
      return await this.#pushFiles(sources);
    } finally {
      removeSpool?.();
    }
  }

  #mayStream(): boolean {
    const { stream, snapshot, atomic, results } = this.#options;
    const hasRules = Object.keys(ruleParameters(this.#options)).length > 0;
    const needsWholeFile = snapshot === true || atomic === true || hasRules;
    const asWorkbook = typeof results === 'string' && isWorkbook(results);
    return stream !== false && !needsWholeFile && !asWorkbook;
  }

  async #pushStreams(paths: readonly string[]): Promise<readonly Pushed[]> {
    const pushed: Pushed[] = [];
    for (const path of paths) {
      const content = path === STDIN_PATH ? this.#context.stdin : createReadStream(path);
      pushed.push(await this.#pushRows(path, content));
    }
    return pushed;
  }

  async #pushRows(path: string, content: AsyncIterable<Uint8Array>): Promise<Pushed> {
    const answered = { last: 0 };
    this.#describeState = () =>
      `${rowsText(answered.last)} ${answered.last === 1 ? 'has' : 'have'} a result. Resume from row ${answered.last + 1}.`;
    const { dryRun, asOf, results } = this.#options;
    const pushed = await pushStream(
      {
        path,
        remote: this.#remote,
        parameters: { ...noteOf(this.#options), ...(asOf !== undefined && { asOf }) },
        isDryRun: dryRun === true,
        progress: this.#progressOf(path),
        resultsPath: typeof results === 'string' ? results : null,
      },
      readable(content),
      answered,
    );
    // The stream may have ended before its input.
    if (path === STDIN_PATH) this.#context.stdin.destroy();
    this.#print(pushed);
    return pushed;
  }

  /** Sends files one after another, so that a later file overrides an earlier one. */
  async #pushFiles(sources: readonly PushSource[]): Promise<readonly Pushed[]> {
    const files = sources.map((source) => ({ source, parameters: this.#parametersOf(source) }));
    const identity = {
      url: this.#remote.url,
      tokenHash: createHash('sha256').update(this.#remote.token).digest('hex'),
      files: files.map(({ source: { path, contentPath, sha256 }, parameters }) => ({
        path: path === STDIN_PATH ? path : contentPath,
        sha256,
        parameters,
      })),
    };
    const resume = PushResumeState.open(this.#context, identity, this.#options.restart === true);
    if (resume.isResumed) this.#context.note('onhand: resuming an interrupted push.');
    const pushed: Pushed[] = [];
    for (const [index, { source, parameters }] of files.entries()) {
      const file = await this.#pushFile(resume, index, source, parameters);
      pushed.push(file);
      // Once confirmed, a held file would overwrite the files sent after it.
      if (file.state === 'held') break;
    }
    resume.end();
    const left = sources.slice(pushed.length).map(({ path }) => path);
    if (left.length > 0) this.#context.note(`onhand: not sent: ${left.join(', ')}`);
    return pushed;
  }

  async #pushFile(
    resume: PushResumeState,
    index: number,
    source: PushSource,
    parameters: PushParameters,
  ): Promise<Pushed> {
    const describe = (): string => resumeText(resume, index, source);
    this.#describeState = describe;
    const progress = this.#progressOf(source.path);
    const push = {
      remote: this.#remote,
      context: this.#context,
      resume,
      parameters,
      isDryRun: this.#options.dryRun === true,
      repeatCommand: this.#repeatCommand,
      progress,
      resultsPath: this.#resultsPathOf(source),
    };
    try {
      const pushed = await pushFile(push, source, index);
      this.#print(pushed);
      return pushed;
    } catch (error) {
      progress.stop();
      if (error instanceof RemoteError && error.status === 0)
        this.#context.note(`onhand: gave up; ${describe()}`);
      throw error;
    }
  }

  #parametersOf({ modifiedAtMs }: PushSource): PushParameters {
    const { snapshot, atomic, dryRun, asOf } = this.#options;
    const asOfTime = asOf === MTIME ? new Date(modifiedAtMs).toISOString() : asOf;
    return {
      ...noteOf(this.#options),
      ...(asOfTime !== undefined && { asOf: asOfTime }),
      terms: {
        ...(snapshot === true && { mode: 'snapshot' }),
        ...(atomic === true && { atomic: true }),
        ...(dryRun === true && { dry_run: true }),
        ...ruleParameters(this.#options),
      },
    };
  }

  #resultsPathOf({ path }: PushSource): string | null {
    const { results } = this.#options;
    if (typeof results === 'string') return results;
    return results === false || path === STDIN_PATH ? null : `${path}.results.csv`;
  }

  #progressOf(path: string): PushProgress {
    const name = path === STDIN_PATH ? 'stdin' : path;
    this.#progress = new PushProgress(this.#context, name, this.#options.quiet === true);
    return this.#progress;
  }

  #print(pushed: Pushed): void {
    const { json, quiet } = this.#options;
    const isSuccess = exitCodeOf([pushed]) === PUSH_EXIT.allApplied;
    if (json !== true && !(quiet === true && isSuccess)) printPushed(this.#context, pushed);
  }

  #printJson(pushed: readonly Pushed[]): void {
    const { json, watch } = this.#options;
    if (json !== true) return;
    // With --watch there is one JSON document per line.
    this.#context.print(JSON.stringify(pushedJson(pushed), null, watch === true ? 0 : 2));
  }
}

/** The bytes of a stream's input. Rejects with `parameter_invalid` if they cannot be read. */
async function* readable(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OnhandError('parameter_invalid', `The input cannot be read: ${reason}`);
  }
}

/** Describes how far the push of a file is, and how to resume it. */
function resumeText(
  resume: PushResumeState,
  index: number,
  { path, filename }: PushSource,
): string {
  const name = filename ?? 'stdin';
  const uuid = resume.uuidOf(index);
  const state =
    uuid === null
      ? `nothing of ${name} was applied, unless all of it was sent`
      : `the server has received ${name} as file ${uuid} and keeps processing it`;
  if (!resume.isSaved)
    return `${state}. It cannot be resumed, because its state could not be saved.`;
  const input = path === STDIN_PATH ? ', with the same input,' : '';
  return `${state}. Run the same command again${input} to resume; nothing is applied twice.`;
}

/** Checked before anything is sent. */
function checkFolder(resultsPath: string): void {
  const folder = dirname(resolve(resultsPath));
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new OnhandError(
      'parameter_invalid',
      `Results cannot be written to the folder ${folder}.`,
    );
  }
}

const POLL_INTERVAL_MS = 1000;
/** The delay before a failed push is repeated. */
const RETRY_DELAY_MS = 30_000;

/**
 * Pushes files whenever they have changed and then stayed unchanged for `settleMs`. Never resolves.
 *
 * @param push receives the changed files in the order of `paths`; returns whether it succeeded
 */
async function watchFiles(
  paths: readonly string[],
  settleMs: number,
  push: (paths: readonly string[]) => Promise<boolean>,
): Promise<never> {
  const sent = new Map<string, string>();
  const seen = new Map<string, { readonly version: string; readonly sinceMs: number }>();
  for (;;) {
    const ready = new Map<string, string>();
    for (const path of paths) {
      const version = await versionOf(path);
      if (version === undefined || version === sent.get(path)) continue;
      const last = seen.get(path);
      if (last?.version !== version) seen.set(path, { version, sinceMs: performance.now() });
      else if (performance.now() - last.sinceMs >= settleMs) ready.set(path, version);
    }
    if (ready.size > 0) {
      if (await push([...ready.keys()]))
        for (const [path, version] of ready) sent.set(path, version);
      else await delay(RETRY_DELAY_MS);
    }
    await delay(POLL_INTERVAL_MS);
  }
}

/** Undefined if the file does not exist or is empty, because it is still being written. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return size === 0n ? undefined : `${ino} ${size} ${mtimeNs}`;
  } catch {
    return undefined;
  }
}
