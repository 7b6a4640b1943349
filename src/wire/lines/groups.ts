import { SKU_ID_CODE_POINTS_MAX } from '../../domain/limits.ts';
import { skuIdFits } from '../../domain/lines.ts';
import { echo } from './echo.ts';
import { notAllowed } from './fields.ts';

const GROUP_ALLOWED = `a text of 1 to ${SKU_ID_CODE_POINTS_MAX} characters`;

/** Gives the groups of lines their numbers, from 1, in the order in which they begin. */
export interface GroupNumbers {
  /** The number of the group that the line under way names; or the sentence that refuses the name. */
  read(value: unknown): number | string;
  /** Ends a line, which belongs to the group of that name. */
  endLine(name: string | undefined): void;
}

/** The groups of lines that have no end: each run of lines of one name is one, and no name is remembered. */
export class GroupRuns implements GroupNumbers {
  #number = 0;
  #previous: string | undefined;

  read(value: unknown): number | string {
    if (typeof value !== 'string' || !skuIdFits(value)) {
      return notAllowed('group', GROUP_ALLOWED, value);
    }
    if (value !== this.#previous) this.#number += 1;
    return this.#number;
  }

  endLine(name: string | undefined): void {
    this.#previous = name;
  }
}

/** The groups of an array: of each name there may be one. */
export class Groups implements GroupNumbers {
  /** Made with the first group: most requests have none. */
  #numbers: Map<string, number> | undefined;
  /** That of the line before. */
  #previous: string | undefined;

  read(value: unknown): number | string {
    if (typeof value !== 'string' || !skuIdFits(value)) {
      return notAllowed('group', GROUP_ALLOWED, value);
    }
    this.#numbers ??= new Map();
    const known = this.#numbers.get(value);
    if (known === undefined) {
      this.#numbers.set(value, this.#numbers.size + 1);
      return this.#numbers.size;
    }
    if (value === this.#previous) return known;
    return `group ${echo(value)} ended before this line: the lines of a group must follow one another.`;
  }

  endLine(name: string | undefined): void {
    this.#previous = name;
  }
}
