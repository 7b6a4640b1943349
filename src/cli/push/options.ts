/** The command line of `onhand push`: its options and exit codes. */
import type { ReadingOptions } from './reading-options.ts';
import type { RemoteOptions } from '../remote/options.ts';

export interface PushOptions extends RemoteOptions, ReadingOptions {
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

/** `--as-of mtime`: the timestamp of each file is its modification time. */
export const MTIME = 'mtime';

/** How the command line names stdin. */
export const STDIN_PATH = '-';

/** Whether a path names an Excel workbook. */
export function isWorkbook(path: string): boolean {
  return path.toLowerCase().endsWith('.xlsx');
}

/** The exit codes of `onhand push`, documented in docs/push.md. */
export const PUSH_EXIT = {
  allApplied: 0,
  notDone: 1,
  usage: 2,
  someFailed: 3,
  refused: 4,
  brokeOff: 5,
} as const;
