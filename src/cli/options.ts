/** Options that several commands share. */
import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_DATABASE } from '../config.ts';

/** The option of every command that opens a database. Without it, the setting counts (see `buildProgram`). */
export function databaseOption(): Option {
  return new Option(
    '--database <url>',
    `database to use, as sqlite:PATH or postgres://… (setting: ONHAND_DATABASE; default: ${DEFAULT_DATABASE})`,
  );
}

export function supplierOption(): Option {
  return new Option('--supplier <name>', 'name of the supplier (required)').makeOptionMandatory();
}

export function jsonOption(): Option {
  return new Option('--json', 'print JSON instead of a table');
}

const PORT_MAX = 65_535;

/** Parses a TCP port; 0 means any free port. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > PORT_MAX) {
    throw new InvalidArgumentError(`A port is a whole number from 0 to ${PORT_MAX}.`);
  }
  return port;
}

/** Returns a parser of whole numbers from `min` to `max`. */
export function wholeNumberParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Must be a whole number from ${min} to ${max}.`);
  };
}
