import { readSettings } from '../../src/settings/read.ts';
import type { FormatLimits } from '../../src/formats/format.ts';

/** The defaults. */
export const FORMAT_LIMITS: FormatLimits = readSettings({}, {}).formatLimits;
