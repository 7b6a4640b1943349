/**
 * Runs Google Apps Script in a thread of its own. Its requests are synchronous, so the server must be in another thread.
 * Only what the example uses of Google's services is imitated.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

export interface AppsScriptRun {
  /** The text of the script. */
  readonly script: string;
  /** The function that is called. */
  readonly call: string;
  /** The cells of the active sheet, row by row. */
  readonly sheet: readonly (readonly string[])[];
  /** The properties of the script. */
  readonly properties: Readonly<Record<string, string>>;
  /** How many requests are lost before the first one arrives. */
  readonly lost: number;
}

/** What the script did. */
export interface AppsScriptOutcome {
  readonly sheet: string[][];
  /** The delays, in milliseconds. */
  readonly slept: number[];
  readonly error: string | undefined;
}

export function runAppsScript(run: AppsScriptRun): Promise<AppsScriptOutcome> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: run });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

interface FetchOptions {
  readonly method: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
}

function fetchWithCurl(url: string, { method, contentType, headers, payload }: FetchOptions) {
  const sent = { ...headers, 'Content-Type': contentType };
  const fields = Object.entries(sent).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const printed = execFileSync(
    'curl',
    ['-s', '-X', method.toUpperCase(), '--data-binary', '@-', ...fields].concat(
      ['--noproxy', '*', '-w', '\n%{http_code}'],
      url,
    ),
    { input: payload, encoding: 'utf8' },
  );
  const end = printed.lastIndexOf('\n');
  return {
    getResponseCode: () => Number(printed.slice(end + 1)),
    getContentText: () => printed.slice(0, end),
  };
}

function execute({ script, call, sheet, properties, lost }: AppsScriptRun): AppsScriptOutcome {
  const cells = sheet.map((row) => [...row]);
  const slept: number[] = [];
  let requests = 0;
  const services = {
    SpreadsheetApp: {
      getActiveSheet: () => ({
        getDataRange: () => ({ getDisplayValues: () => structuredClone(cells) }),
        getRange: (row: number, column: number) => ({
          setValues: (values: readonly (readonly string[])[]) => {
            for (const [i, given] of values.entries()) {
              cells[row - 1 + i]?.splice(column - 1, given.length, ...given);
            }
          },
        }),
      }),
    },
    PropertiesService: { getScriptProperties: () => ({ getProperties: () => properties }) },
    UrlFetchApp: {
      fetch: (url: string, options: FetchOptions) => {
        requests += 1;
        if (requests <= lost) throw new Error('Address unavailable');
        return fetchWithCurl(url, options);
      },
    },
    Utilities: { getUuid: randomUUID, sleep: (ms: number) => slept.push(ms) },
  };
  let error: string | undefined;
  try {
    runInNewContext(`${script}\n${call}();`, services);
  } catch (thrown) {
    error = String(thrown);
  }
  return { sheet: cells, slept, error };
}

if (!isMainThread && parentPort !== null && isRun(workerData)) {
  parentPort.postMessage(execute(workerData));
}

function isRun(data: unknown): data is AppsScriptRun {
  return typeof data === 'object' && data !== null && 'script' in data && 'call' in data;
}
