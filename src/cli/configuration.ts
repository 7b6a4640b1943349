/** Loads the settings of a command: the environment, and the configuration file if there is one. */
import { existsSync } from 'node:fs';
import {
  CONFIGURATION_VARIABLE,
  gatherSettings,
  type GatheredSettings,
} from '../settings/sources.ts';
import type { CommandContext } from './context.ts';

/**
 * Reads the settings. The configuration file is `named`, that of `ONHAND_CONFIG`, or the one in the default place if
 * there is one.
 *
 * @throws OnhandError `parameter_invalid` if the file cannot be read or is not TOML
 */
export async function loadSettings(
  { environment, defaultConfigurationFile }: CommandContext,
  named: string | undefined,
): Promise<GatheredSettings> {
  const chosen = named ?? (environment[CONFIGURATION_VARIABLE] || undefined);
  if (chosen === undefined && !existsSync(defaultConfigurationFile)) {
    return gatherSettings(environment, null);
  }
  // Loaded on demand: most commands start without a file.
  const { readConfigurationFile } = await import('../settings/toml-file.ts');
  return gatherSettings(environment, readConfigurationFile(chosen ?? defaultConfigurationFile));
}
