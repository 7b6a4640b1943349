/** Settings that have no effect because of another one. */
import { NUMBER_SETTINGS } from '../config.ts';
import { readGivenSettings, type GivenSettings } from './read.ts';

type Name = keyof typeof NUMBER_SETTINGS;

/** `what` must be at most, or at least, the value of `of`: beyond it, the value of `of` counts. */
interface Bound {
  readonly what: Name;
  readonly is: 'at most' | 'at least';
  readonly of: Name;
}

const BOUNDS: readonly Bound[] = [
  { what: 'organizationOpenRequestsMax', is: 'at most', of: 'openRequestsMax' },
  { what: 'organizationOpenBytesMax', is: 'at most', of: 'openBytesMax' },
  { what: 'organizationFollowersMax', is: 'at most', of: 'followersMax' },
  { what: 'organizationUploadsMax', is: 'at most', of: 'uploadsMax' },
  { what: 'organizationWaitingLinesMax', is: 'at most', of: 'waitingLinesMax' },
  { what: 'organizationResultSpoolBytesMax', is: 'at most', of: 'resultSpoolBytesMax' },
  { what: 'webhookSendsPerOrganizationMax', is: 'at most', of: 'webhookSendsMax' },
  { what: 'headersTimeoutMs', is: 'at most', of: 'requestTimeoutMs' },
  { what: 'fileBytesMax', is: 'at most', of: 'supplierFileBytesMax' },
  { what: 'smallRequestBytesMax', is: 'at most', of: 'requestBytesMax' },
  { what: 'formBytesMax', is: 'at most', of: 'requestBytesMax' },
  { what: 'openBytesMax', is: 'at least', of: 'requestBytesMax' },
  { what: 'resultsKeptHours', is: 'at least', of: 'idempotencyKeptHours' },
];

/**
 * Each setting that was given and has no effect, in a sentence. A default that has no effect contradicts nothing.
 *
 * @throws OnhandError `parameter_invalid` if a value is invalid
 */
export function contradictionsIn(given: GivenSettings): readonly string[] {
  const settings = readGivenSettings(given);
  return BOUNDS.flatMap(({ what, is, of }) => {
    const { variable } = NUMBER_SETTINGS[what];
    const [value, bound] = [settings[what], settings[of]];
    const hasEffect = is === 'at most' ? value <= bound : value >= bound;
    if (hasEffect || !given.values[variable]) return [];
    const other = given.nameOf(NUMBER_SETTINGS[of].variable);
    return [
      `${given.nameOf(variable)} is ${value} and has no effect: it must be ${is} ${other}, which is ${bound}.`,
    ];
  });
}
