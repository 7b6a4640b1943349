import { accessSync, constants, createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OnhandError } from '../../domain/errors.ts';
import { printLine, printNote } from '../output.ts';
import { RetryPolicy } from '../remote/retry-policy.ts';
import { pushFile } from './file.ts';
import { PushProgress } from './progress.ts';
import { exitCodeOf, printPushed, pushedJson, PUSH_EXIT, type Pushed } from './report.ts';
import { isWorkbook } from './results.ts';
import { PushResumeState } from './resume-state.ts';
import { openSource, spoolStdin, STDIN_PATH, type PushSource } from './source.ts';
import { openStdin } from './stdin.ts';
import { pushStream } from './stream.ts';
import type { PushTerms } from './upload.ts';
import { watchFiles } from './watch.ts';
import { Remote, RemoteRefusal, RemoteSilence, type RemoteOptions } from '../remote/client.ts';
import { noteHeaders } from '../remote/revert.ts';
import { StreamRows } from './stream-rows.ts';

export interface PushOptions extends RemoteOptions {
  readonly snapshot?: true;
  readonly atomic?: true;
  readonly dryRun?: true;
  readonly asOf?: string;
  readonly reason?: string;
  readonly reference?: string;
  readonly stream?: boolean;
  readonly results?: string | false;
  readonly watch?: true;
  readonly settleSeconds: number;
  readonly retryMinutes: number;
  readonly restart?: true;
  readonly quiet?: true;
  readonly json?: true;
}

/** `--as-of mtime`: each file is as of when it was last changed. */
export const MTIME = 'mtime';

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** One command's work: what it was asked to send, from the first byte to the summary. */
export class PushSession {
  readonly #options: PushOptions;
  readonly #remote: Remote;
  readonly #patience: RetryPolicy;
  /** What a Ctrl-C would leave behind; undefined where nothing is under way. */
  #underWay: (() => string) | undefined;
  #progress: PushProgress | undefined;

  /** Throws `parameter_invalid` where there is no token. */
  constructor(options: PushOptions) {
    this.#options = options;
    this.#remote = new Remote(options);
    this.#patience = new RetryPolicy(options.retryMinutes, (error, pauseMs) => {
      this.#progress?.stop();
      printNote(`onhand: ${error.message} Trying again in ${(pauseMs / 1000).toFixed(1)} s.`);
    });
  }

  /** Sends what is named, says what became of it, and sets the exit code. Never ends where it watches. */
  async start(paths: readonly string[]): Promise<void> {
    for (const [signal, code] of Object.entries(SIGNALS)) {
      process.once(signal, () => this.#interrupt(code));
    }
    const { watch, settleSeconds, results } = this.#options;
    if (typeof results === 'string') checkFolder(results);
    if (watch === true) {
      await watchFiles(paths, settleSeconds * 1000, (some) => this.#pushWatched(some));
    }
    const pushed = await this.#push(paths);
    this.#printJson(pushed);
    process.exitCode = exitCodeOf(pushed);
  }

  #interrupt(code: number): void {
    this.#progress?.stop();
    if (this.#underWay === undefined) process.exit(PUSH_EXIT.allApplied);
    printNote(`onhand: interrupted; ${this.#underWay()}`);
    process.exit(code);
  }

  /** Whether it could be done: a server or a file that is not there now may come back. */
  async #pushWatched(paths: readonly string[]): Promise<boolean> {
    try {
      this.#printJson(await this.#push(paths));
      return true;
    } catch (error) {
      if (!(error instanceof OnhandError) || error instanceof RemoteRefusal) throw error;
      printNote(`onhand: ${error.message}`);
      return false;
    } finally {
      this.#underWay = undefined;
    }
  }

  async #push(paths: readonly string[]): Promise<readonly Pushed[]> {
    if (this.#options.stream === true) return this.#pushStreams(paths);
    const sources: PushSource[] = [];
    for (const path of paths) {
      if (path !== STDIN_PATH) {
        sources.push(await openSource(path));
        continue;
      }
      const { isStream, content } = await openStdin();
      if (isStream && paths.length === 1 && this.#mayStream()) {
        return [await this.#pushRows(path, content)];
      }
      sources.push(await spoolStdin(content));
    }
    return this.#pushFiles(sources);
  }

  #mayStream(): boolean {
    const { stream, snapshot, atomic, results } = this.#options;
    const judgesWhole = snapshot === true || atomic === true;
    const asWorkbook = typeof results === 'string' && isWorkbook(results);
    return stream !== false && !judgesWhole && !asWorkbook;
  }

  async #pushStreams(paths: readonly string[]): Promise<readonly Pushed[]> {
    const pushed: Pushed[] = [];
    for (const path of paths) {
      const content = path === STDIN_PATH ? process.stdin : createReadStream(path);
      pushed.push(await this.#pushRows(path, content));
    }
    return pushed;
  }

  async #pushRows(path: string, content: AsyncIterable<Uint8Array>): Promise<Pushed> {
    const rows = new StreamRows(content);
    this.#underWay = () =>
      `${rows.answered} rows were answered. Go on from row ${rows.answered + 1} on.`;
    const { dryRun, asOf, results } = this.#options;
    const pushed = await pushStream(
      {
        path,
        remote: this.#remote,
        patience: this.#patience,
        terms: {
          query: { ...(dryRun === true && { dry_run: 'true' }) },
          headers: { ...noteHeaders(this.#options), ...(asOf !== undefined && { 'as-of': asOf }) },
        },
        isDryRun: dryRun === true,
        progress: this.#progressOf(path),
        resultsPath: typeof results === 'string' ? results : null,
      },
      rows,
    );
    // It may have ended before its input.
    if (path === STDIN_PATH) process.stdin.destroy();
    this.#print(pushed);
    return pushed;
  }

  /** Sends files one after another: a later line wins. */
  async #pushFiles(sources: readonly PushSource[]): Promise<readonly Pushed[]> {
    const files = sources.map((source) => ({ source, terms: this.#termsOf(source) }));
    const identity = {
      url: this.#remote.url,
      tokenHash: this.#remote.tokenHash,
      files: files.map(({ source: { path, contentPath, sha256 }, terms }) => ({
        path: path === STDIN_PATH ? path : contentPath,
        sha256,
        terms,
      })),
    };
    const run = PushResumeState.open(identity, this.#options.restart === true);
    if (run.isResumed) printNote('onhand: going on with a push that was interrupted.');
    const pushed: Pushed[] = [];
    for (const [place, { source, terms }] of files.entries()) {
      const file = await this.#pushFile(run, place, source, terms);
      pushed.push(file);
      // What comes after it would be overtaken by it once it is let through.
      if (file.state === 'held') break;
    }
    run.end();
    const left = sources.slice(pushed.length).map(({ path }) => path);
    if (left.length > 0) printNote(`onhand: not sent: ${left.join(', ')}`);
    return pushed;
  }

  async #pushFile(
    run: PushResumeState,
    place: number,
    source: PushSource,
    terms: PushTerms,
  ): Promise<Pushed> {
    const explain = (): string => whatIsLeft(run, place, source);
    this.#underWay = explain;
    const progress = this.#progressOf(source.path);
    const push = {
      remote: this.#remote,
      patience: this.#patience,
      run,
      terms,
      isDryRun: this.#options.dryRun === true,
      progress,
      resultsPath: this.#resultsPathOf(source),
    };
    try {
      const pushed = await pushFile(push, source, place);
      this.#print(pushed);
      return pushed;
    } catch (error) {
      progress.stop();
      if (error instanceof RemoteSilence) printNote(`onhand: gave up; ${explain()}`);
      throw error;
    }
  }

  #termsOf({ modifiedAtMs }: PushSource): PushTerms {
    const { snapshot, atomic, dryRun, asOf } = this.#options;
    const asOfTime = asOf === MTIME ? new Date(modifiedAtMs).toISOString() : asOf;
    return {
      query: {
        ...(snapshot === true && { mode: 'snapshot' }),
        ...(atomic === true && { atomic: 'true' }),
        ...(dryRun === true && { dry_run: 'true' }),
      },
      headers: {
        ...noteHeaders(this.#options),
        ...(asOfTime !== undefined && { 'as-of': asOfTime }),
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
    this.#progress = new PushProgress(name, this.#options.quiet === true);
    return this.#progress;
  }

  #print(pushed: Pushed): void {
    const { json, quiet } = this.#options;
    const isFine = exitCodeOf([pushed]) === PUSH_EXIT.allApplied;
    if (json !== true && !(quiet === true && isFine)) printPushed(pushed);
  }

  #printJson(pushed: readonly Pushed[]): void {
    const { json, watch } = this.#options;
    if (json !== true) return;
    // What is printed again and again is read line by line.
    printLine(JSON.stringify(pushedJson(pushed), null, watch === true ? 0 : 2));
  }
}

/** What an end at this moment leaves, and how to go on. */
function whatIsLeft(run: PushResumeState, place: number, { path, filename }: PushSource): string {
  const name = filename ?? 'stdin';
  const uuid = run.uuidOf(place);
  const state =
    uuid === null
      ? `of ${name} nothing was applied, unless it was sent to its end`
      : `the server has ${name} as the file ${uuid}, and goes on with it`;
  if (!run.isKept) return `${state}. It cannot be gone on with, as nothing could be noted.`;
  const input = path === STDIN_PATH ? ', with the same input,' : '';
  return `${state}. Run the same command again${input} to go on; nothing is applied twice.`;
}

/** Nothing is to be sent whose results cannot be written. */
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
