import { Command } from 'commander';
import { SETTINGS, type SettingDefinition } from '../../config.ts';
import { driverOf, shownDatabase } from '../../databases.ts';
import { OnhandError } from '../../domain/errors.ts';
import { contradictionsIn } from '../../settings/contradictions.ts';
import { keyOf, type GatheredSettings } from '../../settings/sources.ts';
import { loadSettings } from '../configuration.ts';
import type { CommandContext } from '../context.ts';
import { jsonOption } from '../options.ts';
import { printList } from '../output.ts';

export function configCommand(context: CommandContext): Command {
  return new Command('config')
    .description('Checks and shows the settings from the environment and the configuration file.')
    .addCommand(checkCommand(context))
    .addCommand(showCommand(context));
}

function checkCommand(context: CommandContext): Command {
  return new Command('check')
    .summary('find wrong, unknown and contradictory settings')
    .description(
      'Checks the configuration file and the environment, and prints each setting that is unknown, has a value that is ' +
        'not allowed, or has no effect because of another one. Exits 1 if it finds a problem.',
    )
    .addHelpText('after', '\nExample:\n  onhand config check --config /etc/onhand/onhand.toml')
    .action(async (_options: object, command: Command) => {
      const given = await load(context, command);
      const problems = problemsOf(given);
      for (const problem of problems) context.print(problem);
      const where = given.file ?? 'There is no configuration file; the environment';
      if (problems.length === 0) context.print(`${where}: all settings are correct.`);
      else context.exitCode = 1;
    });
}

function showCommand(context: CommandContext): Command {
  return new Command('show')
    .summary('show the value of each setting and where it was given')
    .description(
      'Shows the value of each setting and where it was given: environment, environment_file (a file that a variable ' +
        'ending in _FILE names), credential (systemd), file (the configuration file) or default. Secrets are masked.',
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onhand config show --json')
    .action(async ({ json }: { readonly json?: true }, command: Command) => {
      const given = await load(context, command);
      const records = SETTINGS.map((setting) => recordOf(setting, given));
      printList(context, ['key', 'value', 'source', 'place'], records, json === true);
    });
}

function load(context: CommandContext, command: Command): Promise<GatheredSettings> {
  return loadSettings(context, command.optsWithGlobals<{ config?: string }>().config);
}

function problemsOf(given: GatheredSettings): readonly string[] {
  const problems = [...given.problems, ...databaseProblems(given)];
  // Contradictions can be found only between valid values.
  return problems.length > 0 ? problems : contradictionsIn(given);
}

const DATABASE = 'ONHAND_DATABASE';

function databaseProblems(given: GatheredSettings): readonly string[] {
  const database = given.values[DATABASE];
  if (database === undefined) return [];
  try {
    driverOf(database);
    return [];
  } catch (error) {
    if (!(error instanceof OnhandError)) throw error;
    return [`${given.nameOf(DATABASE)}: ${error.message}`];
  }
}

function recordOf(setting: SettingDefinition, given: GatheredSettings) {
  const { variable, kind, fallback } = setting;
  const text = given.values[variable] ?? fallback;
  const { source, place } = given.sourceOf(variable);
  return {
    key: keyOf(variable),
    variable,
    value: text === null ? null : shown(setting, text),
    default: fallback,
    kind,
    source,
    place,
  };
}

const MASK = '********';

function shown({ variable, isSecret }: SettingDefinition, text: string): string {
  if (!isSecret) return text;
  if (variable !== DATABASE) return MASK;
  try {
    return shownDatabase(text);
  } catch {
    // It is no database; it may be a password in the wrong place.
    return MASK;
  }
}
