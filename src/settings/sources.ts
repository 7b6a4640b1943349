/** Finds where settings are given: the environment, secret files, systemd credentials, and the configuration file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS, type Environment, type SettingDefinition } from '../config.ts';
import { OnhandError } from '../domain/errors.ts';
import { nearestName } from '../domain/nearest-name.ts';
import { complaintsAbout, type GivenSettings } from './read.ts';
import type { ConfigurationFile } from './toml-file.ts';

/** Where the configuration file is if neither `--config` nor `ONHAND_CONFIG` names one. */
export const DEFAULT_CONFIGURATION_FILE = '/etc/onhand/onhand.toml';

/** The variable that names the configuration file. */
export const CONFIGURATION_VARIABLE = 'ONHAND_CONFIG';

/** The kinds of places where a setting can be given, in order of precedence. */
export type Source = 'environment' | 'environment_file' | 'credential' | 'file' | 'default';

interface Given {
  readonly text: string;
  readonly source: Source;
  /** The variable, or the path of the file, with the line in a configuration file. */
  readonly place: string;
  readonly name: string;
}

/** The values that were given and where, and what is wrong with how they were given. */
export class GatheredSettings implements GivenSettings {
  readonly values: Environment;
  /** The configuration file that was read; null if there is none. */
  readonly file: string | null;
  /** Keys, variables and files that are wrong, one sentence each; see `problems` for the values as well. */
  readonly misgiven: readonly string[];
  readonly #given: ReadonlyMap<string, Given>;

  constructor(given: ReadonlyMap<string, Given>, misgiven: readonly string[], file: string | null) {
    this.#given = given;
    this.values = Object.fromEntries([...given].map(([variable, { text }]) => [variable, text]));
    this.misgiven = misgiven;
    this.file = file;
  }

  /** Everything that is wrong, one sentence each. */
  get problems(): readonly string[] {
    return [...this.misgiven, ...complaintsAbout(this)];
  }

  nameOf(variable: string): string {
    return this.#given.get(variable)?.name ?? variable;
  }

  /** Where a setting was given; the place is null if it has its default. */
  sourceOf(variable: string): { readonly source: Source; readonly place: string | null } {
    const { source = 'default', place = null } = this.#given.get(variable) ?? {};
    return { source, place };
  }

  /** Throws `parameter_invalid` if a key or variable is wrong: a mistyped limit must not be ignored. */
  refuseMisgiven(): void {
    if (this.misgiven.length === 0) return;
    throw new OnhandError(
      'parameter_invalid',
      `${this.misgiven.join(' ')} "onhand config check" checks all settings; docs/operations.md lists them.`,
    );
  }
}

/** The key of a setting in the configuration file: `lines_max` for `ONHAND_LINES_MAX`. */
export function keyOf(variable: string): string {
  return variable.replace(/^ONHAND_/, '').toLowerCase();
}

/** Joins the settings of all places. A place that comes earlier in `Source` takes precedence. */
export function gatherSettings(
  environment: Environment,
  file: ConfigurationFile | null,
): GatheredSettings {
  const given = new Map<string, Given>();
  const misgiven = [...unknownVariables(environment)];
  for (const setting of SETTINGS) {
    try {
      const found = valueOf(setting, environment, file);
      if (found !== undefined && found.text !== '') given.set(setting.variable, found);
    } catch (error) {
      if (!(error instanceof OnhandError)) throw error;
      misgiven.push(error.message);
    }
  }
  misgiven.push(...unknownKeys(file));
  return new GatheredSettings(given, misgiven, file?.path ?? null);
}

function valueOf(
  setting: SettingDefinition,
  environment: Environment,
  file: ConfigurationFile | null,
): Given | undefined {
  const { variable, isSecret } = setting;
  // The file is checked even if the environment takes precedence.
  const inFile = file === null ? undefined : valueInFile(setting, file);
  const text = environment[variable] || undefined;
  const secretFile = (isSecret && environment[`${variable}_FILE`]) || undefined;
  if (text !== undefined && secretFile !== undefined) {
    throw new OnhandError(
      'parameter_invalid',
      `${variable} and ${variable}_FILE are both set: unset one of them.`,
    );
  }
  if (text !== undefined) return { text, source: 'environment', place: variable, name: variable };
  if (secretFile !== undefined) {
    return readSecret(secretFile, 'environment_file', `${variable}_FILE`);
  }
  const credential = isSecret ? credentialOf(variable, environment) : undefined;
  return credential ?? inFile;
}

/** The systemd credential of a setting, such as `onhand.token`. */
function credentialOf(variable: string, environment: Environment): Given | undefined {
  const folder = environment['CREDENTIALS_DIRECTORY'];
  if (folder === undefined || folder === '') return undefined;
  const id = `onhand.${keyOf(variable)}`;
  const path = join(folder, id);
  return existsSync(path) ? readSecret(path, 'credential', `The credential ${id}`) : undefined;
}

/** A secret is the content of its file without the line break at the end. */
function readSecret(path: string, source: Source, name: string): Given {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new OnhandError('parameter_invalid', `${name}: ${path} cannot be read (${code}).`);
  }
  if (text !== '') return { text, source, place: path, name };
  throw new OnhandError('parameter_invalid', `${name}: ${path} is empty.`);
}

/** How TOML writes a value of each kind. */
const WRITTEN_AS = {
  number: { type: 'number', text: 'a number without quotes' },
  flag: { type: 'boolean', text: 'true or false without quotes' },
  text: { type: 'string', text: 'a text in quotes' },
} as const satisfies Readonly<Record<SettingDefinition['kind'], object>>;

function valueInFile(setting: SettingDefinition, file: ConfigurationFile): Given | undefined {
  const { variable, kind, allowed, isSecret } = setting;
  const key = keyOf(variable);
  const [, value] = file.entries.find(([name]) => name === key) ?? [];
  if (value === undefined) return undefined;
  const place = `${file.path}:${file.lineOf(key)}`;
  const name = `${place}: ${key}`;
  const { type, text } = WRITTEN_AS[kind];
  // Some texts may be true or false too.
  const isRight =
    typeof value === type ||
    (kind === 'text' && typeof value === 'boolean' && allowed.startsWith('true'));
  if (isRight) return { text: printed(value), source: 'file', place, name };
  const shown = isSecret ? '' : ` is ${JSON.stringify(value)}, but`;
  throw new OnhandError('parameter_invalid', `${name}${shown} must be ${text}: ${allowed}.`);
}

/** A value of TOML as it would be written in the environment. */
function printed(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The variables that start with `ONHAND_` and have a meaning. */
export function knownVariables(): readonly string[] {
  return [
    CONFIGURATION_VARIABLE,
    ...SETTINGS.map(({ variable }) => variable),
    ...SETTINGS.filter(({ isSecret }) => isSecret).map(({ variable }) => `${variable}_FILE`),
  ];
}

function unknownVariables(environment: Environment): readonly string[] {
  const known = knownVariables();
  return Object.keys(environment)
    .filter((name) => name.startsWith('ONHAND_') && !known.includes(name))
    .toSorted()
    .map(
      (name) => `Unknown environment variable ${name} (did you mean ${nearestName(name, known)}?).`,
    );
}

function unknownKeys(file: ConfigurationFile | null): readonly string[] {
  const known = SETTINGS.map(({ variable }) => keyOf(variable));
  return (file?.entries ?? [])
    .filter(([key]) => !known.includes(key))
    .map(([key, value]) => {
      const place = `${file?.path}:${file?.lineOf(key)}`;
      return typeof value === 'object' && value !== null
        ? `${place}: ${key} is a table or list, which this file cannot have: write each setting on a line of its own, such as lines_max = 500000.`
        : `${place}: unknown setting ${key} (did you mean ${nearestName(key, known)}?).`;
    });
}
