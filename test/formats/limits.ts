import { readSettings } from '../../src/config.ts';
import type { FormatLimits } from '../../src/formats/format.ts';

/** The defaults. */
export const FORMAT_LIMITS: FormatLimits = readSettings({}, {}).formatLimits;
