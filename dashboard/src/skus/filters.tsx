import { Button, Checkbox, CloseButton, Popover, Select, Stack, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { suppliersQuery } from '../api/suppliers.ts';
import { Icon } from '../frame/icons.tsx';
import { useText } from '../language/language.tsx';
import type { Column, ColumnName } from './columns.tsx';
import { RESTRICTION_FILTERS, type SkuSearch, STOCK_FILTERS, UPDATED_FILTERS } from './search.ts';
import classes from './skus.module.css';

const TYPING_MS = 250;

/** The search box, in which a scanner can type too, and the filters. */
export function Filters({
  search,
  onChange,
  hasSuppliers,
}: {
  readonly search: SkuSearch;
  readonly onChange: (change: Partial<Record<keyof SkuSearch, string | undefined>>) => void;
  /** Whether there may be several suppliers to choose from. */
  readonly hasSuppliers: boolean;
}) {
  const text = useText();
  const suppliers = useQuery({ ...suppliersQuery, enabled: hasSuppliers });
  return (
    <>
      <SearchBox text={search.q ?? ''} onChange={(q) => onChange({ q })} />
      {hasSuppliers ? (
        <Select
          aria-label={text.skus.columns.supplier}
          placeholder={text.skus.anySupplier}
          data={(suppliers.data ?? []).map(({ uuid, name }) => ({ value: uuid, label: name }))}
          searchable
          clearable
          value={search.supplier ?? null}
          onChange={(supplier) => onChange({ supplier: supplier ?? undefined })}
        />
      ) : null}
      <Select
        aria-label={text.skus.columns.stock}
        placeholder={text.skus.anyStock}
        w={130}
        clearable
        data={STOCK_FILTERS.map((value) => ({ value, label: text.skus.stockFilters[value] }))}
        value={search.stock ?? null}
        onChange={(stock) => onChange({ stock: stock ?? undefined })}
      />
      <Select
        aria-label={text.skus.columns.restriction}
        placeholder={text.skus.anyRestriction}
        w={170}
        clearable
        data={RESTRICTION_FILTERS.map((value) => ({
          value,
          label: value === 'unrestricted' ? text.skus.unrestricted : text.skus.restrictions[value],
        }))}
        value={search.restriction ?? null}
        onChange={(restriction) => onChange({ restriction: restriction ?? undefined })}
      />
      <Select
        aria-label={text.skus.columns.updated}
        placeholder={text.skus.anyTime}
        w={150}
        clearable
        data={UPDATED_FILTERS.map((hours) => ({
          value: String(hours),
          label: text.skus.updatedFilters[hours],
        }))}
        value={search.updated === undefined ? null : String(search.updated)}
        onChange={(updated) => onChange({ updated: updated ?? undefined })}
      />
    </>
  );
}

/** Searches while the person types, and at once on Enter. */
function SearchBox({
  text: searched,
  onChange,
}: {
  readonly text: string;
  readonly onChange: (text: string | undefined) => void;
}) {
  const text = useText();
  const [typed, setTyped] = useState(searched);
  const box = useRef<HTMLInputElement>(null);
  const search = (query: string): void => onChange(query.trim() === '' ? undefined : query.trim());
  const searchSoon = useDebouncedCallback(search, TYPING_MS);
  const searchNow = (query: string): void => {
    searchSoon.cancel();
    search(query);
  };
  // The address changed by another way, such as the command palette or Back.
  useEffect(() => {
    if (document.activeElement !== box.current) setTyped(searched);
  }, [searched]);
  return (
    <TextInput
      ref={box}
      type="search"
      className={classes['search'] ?? ''}
      aria-label={text.skus.search}
      placeholder={text.skus.search}
      leftSection={<Icon name="search" size={14} />}
      rightSection={
        typed === '' ? null : (
          <CloseButton
            size="xs"
            aria-label={text.skus.clearSearch}
            onClick={() => {
              setTyped('');
              searchNow('');
            }}
          />
        )
      }
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        searchSoon(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') searchNow(typed);
      }}
    />
  );
}

/** Which columns are shown. */
export function ColumnChoice({
  columns,
  chosen,
  onChoose,
}: {
  readonly columns: readonly Column[];
  readonly chosen: readonly ColumnName[];
  readonly onChoose: (names: readonly ColumnName[]) => void;
}) {
  const text = useText();
  return (
    <Popover position="bottom-end" trapFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<Icon name="columns" size={14} />}>
          {text.skus.chooseColumns}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={8}>
          {columns.map(({ name }) => (
            <Checkbox
              key={name}
              size="xs"
              label={text.skus.columns[name]}
              checked={chosen.includes(name)}
              onChange={({ currentTarget: { checked } }) =>
                onChoose(checked ? [...chosen, name] : chosen.filter((each) => each !== name))
              }
            />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
