import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_DATABASE, databaseFromEnvironment } from '../config.ts';

/** The option that every command takes. */
export function databaseOption(): Option {
  const database = databaseFromEnvironment();
  return new Option(
    '--database <url>',
    'database to work on, as sqlite:PATH or postgres://… (environment: ONHAND_DATABASE)',
  ).default(
    database,
    // Help is shown to anybody, and a URL may hold a password.
    database === DEFAULT_DATABASE ? DEFAULT_DATABASE : 'the one in ONHAND_DATABASE',
  );
}

const PORT_MAX = 65_535;

/** Reads a TCP port; 0 stands for any free one. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > PORT_MAX) {
    throw new InvalidArgumentError(`A port is a whole number from 0 to ${PORT_MAX}.`);
  }
  return port;
}
