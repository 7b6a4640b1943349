import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { visibleSuppliers } from '../../changes/visible-suppliers.ts';
import { OnhandError } from '../../domain/errors.ts';
import { sortValueOf } from '../../domain/sku.ts';
import type { Downloads } from '../../files/downloads.ts';
import type { TableFormat } from '../../files/table-task.ts';
import type { SkuQuery, SkuStore, Store } from '../../store/store.ts';
import {
  exportedCells,
  parseSkuExport,
  type SkuExportRequest,
  SkuExportQuerySchema,
} from '../../wire/inventory/sku-export.ts';
import { describe } from '../documentation.ts';
import { DOWNLOAD_TYPES, sendDownload } from '../files/files.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, queryOf } from '../request/parameters.ts';
import { readsFor } from '../request/positions.ts';
import { addResource } from '../request/resource.ts';
import { readInTurn, type SkuListLimits } from './skus.ts';

/** SKUs that are read at once. */
const PAGE = 2000;
/** The same in an order that no index has, since each page reads all SKUs of the suppliers. */
const SCANNED_PAGE = 10_000;
/** The rows of a worksheet below its header. */
const WORKBOOK_SKUS_MAX = 1_048_575;

interface ExportRoutes {
  readonly admission: Admission;
  readonly store: Pick<Store, 'accounts' | 'skus' | 'changes' | 'reads'>;
  readonly downloads: Downloads;
  readonly limits: SkuListLimits;
}

/** Adds the routes that download a list of SKUs as a table. */
export function addSkuExport(app: FastifyInstance, routes: ExportRoutes): void {
  const { admission, store, downloads, limits } = routes;

  const exportAs =
    (format: TableFormat) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      checkParameters(request, Object.keys(SkuExportQuerySchema.properties));
      const { supplierUuids, sort, ...asked } = parseSkuExport(queryOf(request));
      const principal = admission.principalOf(request);
      const supplierIds = await visibleSuppliers(store.accounts, principal, supplierUuids);
      const query = {
        supplierIds,
        filter: asked.filter,
        sort: sort && { ...sort, skusMax: limits.sortedSkusMax },
      };
      // Before the reply begins: what the store refuses is answered with a problem document.
      const first = { ...query, from: { start: 0 }, limit: 1 };
      const { skus } = await readsFor(request, store);
      const { totalCount } = await readInTurn(admission, request, query, () => skus.list(first));
      if (format === 'xlsx') refuseLarge(totalCount);
      const { organizationId } = principal;
      const nextRows = rowsOf(request, skus, query, asked.header);
      const content = async () =>
        downloads.printTable({ organizationId, format, header: asked.header, nextRows });
      return sendDownload(routes, { request, reply, content, kind: format, name: 'skus' });
    };

  /** Reads one page after another. */
  const rowsOf = (
    request: FastifyRequest,
    store: SkuStore,
    query: Pick<SkuQuery, 'supplierIds' | 'filter' | 'sort'>,
    header: SkuExportRequest['header'],
  ) => {
    const { sort } = query;
    const limit = sort === undefined || sort.by === 'sku_id' ? PAGE : SCANNED_PAGE;
    let from: SkuQuery['from'] | undefined = { afterUuid: null };
    return async () => {
      const begins = from;
      if (begins === undefined) return undefined;
      const { skus, hasMore } = await readInTurn(admission, request, query, () =>
        store.page({ ...query, from: begins, limit }),
      );
      const last = skus.at(-1);
      from =
        last === undefined || !hasMore
          ? undefined
          : { afterUuid: last.uuid, ...(sort && { afterValue: sortValueOf(last, sort.by) }) };
      return skus.map((sku) => exportedCells(sku, header));
    };
  };

  for (const format of ['csv', 'xlsx'] as const) {
    addResource(app, `/timp/products/skus/export.${format}`, {
      GET: {
        schema: describe({
          group: 'SKUs',
          operationId: format === 'csv' ? 'exportSkus' : 'exportSkusAsWorkbook',
          summary: `Download a list of SKUs as ${format.toUpperCase()}, with the filters and the order of the list`,
          query: SkuExportQuerySchema,
          ok: Type.Unsafe<string>({ type: 'string' }),
          okType: DOWNLOAD_TYPES[format],
          access: 'viewer',
        }),
        guard: (request, reply) => admission.admit(request, reply, 'viewer'),
        handle: exportAs(format),
      },
    });
  }
}

function refuseLarge(totalCount: number): void {
  if (totalCount <= WORKBOOK_SKUS_MAX) return;
  throw new OnhandError(
    'parameter_invalid',
    `A worksheet holds ${WORKBOOK_SKUS_MAX} SKUs, and this list has ${totalCount}. Export it as CSV, or filter it.`,
  );
}
