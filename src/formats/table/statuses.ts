/** The statuses of a row: what its columns say together. */
import type { StatusColumn } from '../../domain/file-columns.ts';
import { restrictionCode } from '../../domain/inventory.ts';
import {
  flagOf,
  RESTRICTION_OF_STATUS,
  STATUS_KINDS,
  statusOf,
  type StatusKind,
} from '../status-words.ts';
import { withoutApostrophe } from './blanks.ts';

/** What yes and no mean in a column, and the status that a word of its own name means. */
export const FLAG_MEANINGS: Readonly<Record<StatusColumn, { yes: StatusKind; no: StatusKind }>> = {
  status: { yes: 'available', no: 'out of stock' },
  discontinued: { yes: 'discontinued', no: 'available' },
  hidden: { yes: 'unavailable', no: 'available' },
  out_of_stock: { yes: 'out of stock', no: 'available' },
  published: { yes: 'available', no: 'unavailable' },
};

/** How some shops write a draft in a column of published products. */
const DRAFT = '-1';

/** How a column of a form is ticked. In a column such as `In stock?` it may as well mean no. */
const CROSS = /^x$/i;

/** The status that a cell means; undefined if it is not known. */
export function readStatus(column: StatusColumn, cell: string): StatusKind | undefined {
  const text = withoutApostrophe(cell);
  if (text.startsWith('-'))
    return column === 'published' && text === DRAFT ? 'unavailable' : undefined;
  const flag = column !== 'status' && CROSS.test(text) ? true : flagOf(text);
  return flag === undefined ? statusOf(text) : FLAG_MEANINGS[column][flag ? 'yes' : 'no'];
}

/** The statuses of one row. The most restrictive counts. */
export class RowStatus {
  readonly #kinds = new Set<StatusKind>();

  add(kind: StatusKind): void {
    this.#kinds.add(kind);
  }

  get isOutOfStock(): boolean {
    return this.#kinds.has('out of stock');
  }

  /** The code of the restriction; null for none, undefined if no column has a status. */
  get restriction(): number | null | undefined {
    const worst = STATUS_KINDS.find((kind) => this.#kinds.has(kind));
    if (worst === undefined) return undefined;
    const name = RESTRICTION_OF_STATUS[worst];
    return name === null ? null : (restrictionCode(name) ?? null);
  }
}
