import type { Readable, Writable } from 'node:stream';
import type { Environment, Settings } from '../config.ts';
import { readGivenSettings, type GivenSettings } from '../settings/read.ts';
import { DEFAULT_CONFIGURATION_FILE, gatherSettings } from '../settings/sources.ts';

/** The standard streams of a process, or a test's replacements for them. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
}

/**
 * What a command uses of the process it runs in. Tests run commands with a context of their own, without
 * starting a process for each.
 */
export class CommandContext {
  readonly environment: Environment;
  /** The configuration file if none is named; it need not exist. */
  readonly defaultConfigurationFile: string;
  /** Set by a command that ends without an error but must not exit 0. */
  exitCode = 0;
  readonly #terminal: Terminal;
  #given: GivenSettings | undefined;

  constructor(
    terminal: Terminal,
    environment: Environment,
    defaultConfigurationFile = DEFAULT_CONFIGURATION_FILE,
  ) {
    this.#terminal = terminal;
    this.environment = environment;
    this.defaultConfigurationFile = defaultConfigurationFile;
  }

  /** The settings that were given. Without `configure`, those of a configuration file are not among them. */
  get given(): GivenSettings {
    return (this.#given ??= gatherSettings(this.environment, null));
  }

  /** Has commands use these settings. */
  configure(given: GivenSettings): void {
    this.#given = given;
  }

  get stdin(): Terminal['stdin'] {
    return this.#terminal.stdin;
  }

  get stdout(): Terminal['stdout'] {
    return this.#terminal.stdout;
  }

  get stderr(): Terminal['stderr'] {
    return this.#terminal.stderr;
  }

  /** Prints a line of the command's result on stdout. */
  print(line: string): void {
    this.stdout.write(`${line}\n`);
  }

  /** Prints a message on stderr, so that scripts can parse stdout. */
  note(line: string): void {
    this.stderr.write(`${line}\n`);
  }

  /** The settings; `overrides` take precedence over what was given. Throws `parameter_invalid`. */
  settings(overrides: Partial<Settings> = {}): Settings {
    return readGivenSettings(this.given, overrides);
  }
}

/** Ends the process quietly if the reader of its output closes the pipe: `onhand token list | head -1`. */
export function exitIfReaderLeaves(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type StopSignal = (typeof STOP_SIGNALS)[number];

/**
 * Calls `stop` on the first SIGINT or SIGTERM. A second one ends the process at once, as it would without
 * this. Returns a function that removes the handlers.
 */
export function onStopSignal(stop: (signal: StopSignal) => void): () => void {
  const release = (): void => {
    for (const signal of STOP_SIGNALS) process.off(signal, handle);
  };
  const handle = (signal: StopSignal): void => {
    release();
    stop(signal);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, handle);
  return release;
}

/**
 * Resolves on the first SIGINT or SIGTERM. Call it before announcing that the command runs: a caller may
 * send the signal immediately.
 */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    onStopSignal(() => resolve());
  });
}
