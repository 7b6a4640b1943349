/**
 * Takes the socket that systemd listens on, and tells systemd the state of the server, as sd_notify(3) defines it, for units with `Type=notify`. Node.js cannot send
 * to a datagram socket, so systemd's own program `systemd-notify` does (the unit needs `NotifyAccess=all`).
 */
import { execFile } from 'node:child_process';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';

/** The first file descriptor that systemd passes (SD_LISTEN_FDS_START of sd_listen_fds(3)). */
const FIRST_SOCKET = 3;

/**
 * The file descriptor of the socket that systemd passed to this process, as sd_listen_fds(3) defines it; undefined if it
 * passed none. Throws `parameter_invalid` if it passed several.
 */
export function inheritedSocket(environment: CommandContext['environment']): number | undefined {
  // The variables may be a parent's, for sockets that this process does not have.
  if (environment['LISTEN_PID'] !== String(process.pid)) return undefined;
  const count = environment['LISTEN_FDS'];
  if (count === '1') return FIRST_SOCKET;
  throw new OnhandError(
    'parameter_invalid',
    `LISTEN_FDS is ${JSON.stringify(count ?? '')}: onhand serve listens on one socket. Give its .socket unit one ListenStream.`,
  );
}

/** What a server tells the program that started it. */
export interface ServiceManager {
  /** The server answers requests. From now on the watchdog hears from it, as long as its event loop runs. */
  readonly ready: () => void;
  /** The server completes accepted requests, then ends. */
  readonly stopping: () => void;
}

/** The systemd that started this process and waits to hear from it; null if there is none. */
export function systemdOf(context: CommandContext): ServiceManager | null {
  const { environment } = context;
  if (!environment['NOTIFY_SOCKET']) return null;
  let failed = false;
  let telling = false;
  const tell = (state: string): void => {
    telling = true;
    execFile('systemd-notify', [state], (error) => {
      telling = false;
      if (error === null || failed) return;
      failed = true;
      context.note(`onhand: warning: cannot send "${state}" to systemd: ${error.message.trim()}`);
    });
  };
  return {
    ready() {
      tell('READY=1');
      const watched = Number(environment['WATCHDOG_USEC']) / 1000;
      // Half of the time, as sd_watchdog_enabled(3) recommends.
      if (!(watched > 0)) return;
      const tellAgain = () => telling || tell('WATCHDOG=1');
      setInterval(tellAgain, watched / 2).unref();
    },
    stopping: () => tell('STOPPING=1'),
  };
}
