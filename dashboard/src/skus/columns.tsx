import { Badge } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Sku } from '../../../client/src/index.ts';
import type { OrganizationType } from '../api/session.ts';
import { Ago } from '../format/time.tsx';
import { useFormats, useText } from '../language/language.tsx';
import type { Messages } from '../language/messages.ts';
import { gtinOf } from './queries.ts';

export type ColumnName = keyof Messages['skus']['columns'];

export interface Column {
  readonly name: ColumnName;
  /** The least width, in pixels. */
  readonly px: number;
  /** Its share of the width that is left. */
  readonly grow?: number;
  readonly isNumber?: boolean;
  /** Shown until the reader chooses. */
  readonly isDefault?: boolean;
  /** Whose suppliers are several. */
  readonly types?: readonly OrganizationType[];
  /** Shown on a phone. */
  readonly isEssential?: boolean;
}

/** The optional columns. The SKU and its title always come first. */
export const COLUMNS: readonly Column[] = [
  {
    name: 'supplier',
    px: 120,
    grow: 1,
    isDefault: true,
    types: ['retailer', 'operator'],
  },
  { name: 'gtin', px: 140, isDefault: true },
  { name: 'stock', px: 104, isNumber: true, isDefault: true, isEssential: true },
  { name: 'backorder', px: 104, isNumber: true, isDefault: true },
  { name: 'backorderDate', px: 116 },
  { name: 'restriction', px: 128, isDefault: true },
  { name: 'condition', px: 104 },
  { name: 'mpn', px: 120 },
  { name: 'asin', px: 110 },
  { name: 'updated', px: 120, isDefault: true },
];

/** What a SKU has in a column. */
export function CellContent({ sku, name }: { readonly sku: Sku; readonly name: ColumnName }) {
  const text = useText();
  const formats = useFormats();
  const contents: Readonly<Record<ColumnName, () => ReactNode>> = {
    sku: () => sku.sku_id,
    title: () => sku.title,
    supplier: () => sku.supplier.name,
    gtin: () => <span className="mono">{gtinOf(sku)}</span>,
    stock: () => <Quantity value={sku.quantity_in_stock} isStock />,
    backorder: () => <Quantity value={sku.quantity_on_backorder} />,
    backorderDate: () => (sku.backorder_date === null ? '' : formats.day(sku.backorder_date)),
    restriction: () => <Restriction value={sku.restrictions} />,
    condition: () => (sku.condition === null ? '' : text.skus.conditions[sku.condition]),
    mpn: () => <span className="mono">{sku.product_identifiers.mpn}</span>,
    asin: () => <span className="mono">{sku.product_identifiers.asin}</span>,
    updated: () => <Ago time={sku.last_updated} />,
  };
  return contents[name]();
}

/** A quantity; unknown is a dash. Zero is marked where it means that the SKU ran out. */
export function Quantity({
  value,
  isStock = false,
}: {
  readonly value: number | null;
  readonly isStock?: boolean;
}) {
  const text = useText();
  const formats = useFormats();
  if (value === null) {
    return (
      <span className="muted" title={text.states.unknown}>
        –
      </span>
    );
  }
  return (
    <span className={value === 0 ? (isStock ? 'bad' : 'muted') : ''}>{formats.number(value)}</span>
  );
}

/** Why a SKU may not be sold; nothing if it may. */
export function Restriction({ value }: { readonly value: Sku['restrictions'] }) {
  const text = useText();
  if (value === null) return null;
  return (
    <Badge className={value === 'discontd' ? 'badge-bad' : 'badge-warn'}>
      {text.skus.restrictions[value]}
    </Badge>
  );
}
