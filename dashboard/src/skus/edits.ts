import { type InfiniteData, useMutation, useQueryClient } from '@tanstack/react-query';
import { useCallback, useRef } from 'react';
import { OnhandError, type Sku, type SkuPage } from '../../../client/src/index.ts';
import { clientFor } from '../api/client.ts';
import { useSession } from '../api/session.ts';
import { useText } from '../language/language.tsx';
import { reasonFor } from '../states/states.tsx';
import { dismissNotice, showNotice } from './notice.tsx';

/** One edit of a SKU's stock, as it was made. */
interface Edit {
  readonly sku: Sku;
  readonly from: number | null;
  readonly to: number;
}

export interface StockEdits {
  /** Sets the stock of a SKU, and offers to undo it. The same function in each render. */
  readonly set: (sku: Sku, to: number) => void;
  /** Undoes the last edit, if there is one. */
  readonly undoLast: () => void;
}

/**
 * Edits stock in the list. An edit and its undo are applied only if the stock still is what the reader saw, so that
 * neither overwrites a newer value.
 */
export function useStockEdits(): StockEdits {
  const text = useText();
  const cache = useQueryClient();
  const { organization } = useSession();
  const isOperator = organization.type === 'operator';
  const done = useRef<Edit[]>([]);
  const write = (uuid: string, quantity: number | null): void => {
    cache.setQueriesData<InfiniteData<SkuPage> | SkuPage>({ queryKey: ['skus'] }, (list) =>
      list === undefined ? undefined : withStock(list, uuid, quantity),
    );
    void cache.invalidateQueries({ queryKey: ['sku', uuid] });
  };
  const { mutate } = useMutation({
    mutationFn: async ({ sku, from, to }: Edit & { readonly isUndo: boolean }) =>
      // An operator acts for the supplier of the SKU.
      clientFor(isOperator ? sku.supplier.uuid : undefined).inventory.set(
        { sku_id: sku.sku_id, quantity_in_stock: to, expected_quantity_in_stock: from },
        { reason: 'Edited in the dashboard' },
      ),
    onMutate: ({ sku, to }) => write(sku.uuid, to),
    onSuccess: (_result, { isUndo, ...edit }) => {
      const { sku, from, to } = edit;
      if (isUndo) return showNotice({ id: sku.uuid, message: text.skus.undone(sku.sku_id) });
      done.current.push(edit);
      const message = text.skus.edited(sku.sku_id, from ?? text.states.unknown, to);
      showNotice({ id: sku.uuid, message, action: text.skus.undo, onAction: () => undo(edit) });
    },
    onError: (error, { sku, from }) => {
      write(sku.uuid, from);
      const hasChanged = error instanceof OnhandError && error.status === 412;
      const message = hasChanged ? text.skus.changedMeanwhile(sku.sku_id) : reasonFor(error);
      showNotice({ id: sku.uuid, message, isError: true });
      if (hasChanged) void cache.invalidateQueries({ queryKey: ['skus'] });
    },
  });
  const undo = (edit: Edit): void => {
    done.current = done.current.filter((each) => each !== edit);
    dismissNotice(edit.sku.uuid);
    const { sku, from, to } = edit;
    if (from !== null) mutate({ sku, from: to, to: from, isUndo: true });
  };
  const set = useCallback<StockEdits['set']>(
    (sku, to) => mutate({ sku, from: sku.quantity_in_stock, to, isUndo: false }),
    [mutate],
  );
  return {
    set,
    undoLast: () => {
      const last = done.current.at(-1);
      if (last !== undefined) undo(last);
    },
  };
}

/** A page of the list, or the pages that were read one after another. */
function withStock(
  list: InfiniteData<SkuPage> | SkuPage,
  uuid: string,
  quantity: number | null,
): InfiniteData<SkuPage> | SkuPage {
  if ('pages' in list) {
    return { ...list, pages: list.pages.map((page) => pageWithStock(page, uuid, quantity)) };
  }
  return pageWithStock(list, uuid, quantity);
}

function pageWithStock(page: SkuPage, uuid: string, quantity: number | null): SkuPage {
  if (!page.skus.some((sku) => sku.uuid === uuid)) return page;
  const skus = page.skus.map((sku) =>
    sku.uuid === uuid
      ? { ...sku, quantity_in_stock: quantity, last_updated: new Date().toISOString() }
      : sku,
  );
  return { ...page, skus };
}
