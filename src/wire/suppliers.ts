import { Type } from 'typebox';
import type { NamedSupplier } from '../domain/changes.ts';
import {
  pageParameters,
  paginationSchema,
  type PageRequest,
  printPagination,
} from './pagination.ts';
import { createQueryReader } from './query.ts';
import { uuid } from './schema.ts';

const SUPPLIER_LIMIT_MAX = 500;

export const SupplierListQuerySchema = Type.Object(
  pageParameters('suppliers', SUPPLIER_LIMIT_MAX),
  { title: 'SupplierListQuery', additionalProperties: false },
);

export const SupplierPageSchema = Type.Object(
  {
    pagination: paginationSchema('suppliers'),
    suppliers: Type.Array(
      Type.Object(
        { uuid: uuid('The supplier, as in `supplier_uuids`.'), name: Type.String() },
        { additionalProperties: false },
      ),
    ),
  },
  { title: 'SupplierPage', additionalProperties: false },
);

/** Reads the query of a list of suppliers. Throws `parameter_invalid`. */
export const parseSupplierList = createQueryReader(SupplierListQuerySchema);

export function printSupplierList(
  page: PageRequest,
  totalCount: number,
  suppliers: readonly NamedSupplier[],
): string {
  return JSON.stringify({
    pagination: printPagination(page, totalCount),
    suppliers: suppliers.map(({ uuid, name }) => ({ uuid, name })),
  });
}
