import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { OnhandError, type Sku } from '../../../client/src/index.ts';
import { localTime } from '../format/local-time.ts';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Quantity, Restriction } from '../skus/columns.tsx';
import { Loading, reasonFor } from '../states/states.tsx';
import { skuQuery } from './queries.ts';

/** Shows the inventory at a time that the reader chooses, in their own time zone. */
export function AsOf({ uuid, now }: { readonly uuid: string; readonly now: Sku }) {
  const text = useText();
  const [chosen, choose] = useState('');
  const time = chosen === '' ? undefined : new Date(chosen).toISOString();
  return (
    <Panel title={text.sku.asOf}>
      <TextInput
        type="datetime-local"
        label={text.sku.asOfTime}
        max={localTime(new Date())}
        min={localTime(new Date(now.created))}
        value={chosen}
        onChange={(event) => choose(event.currentTarget.value)}
      />
      {time === undefined ? (
        <p className="muted">{text.sku.asOfHint}</p>
      ) : (
        <Past uuid={uuid} time={time} />
      )}
    </Panel>
  );
}

function Past({ uuid, time }: { readonly uuid: string; readonly time: string }) {
  const text = useText();
  const formats = useFormats();
  const { data: sku, error } = useQuery(skuQuery(uuid, time));
  if (error !== null) {
    const isBefore = error instanceof OnhandError && error.status === 404;
    return <p role="alert">{isBefore ? text.sku.asOfBefore : reasonFor(error)}</p>;
  }
  if (sku === undefined) return <Loading />;
  return (
    <dl className="facts">
      <div>
        <dt>{text.skus.columns.stock}</dt>
        <dd>
          <Quantity value={sku.quantity_in_stock} isStock />
        </dd>
      </div>
      <div>
        <dt>{text.skus.columns.backorder}</dt>
        <dd>
          <Quantity value={sku.quantity_on_backorder} />
        </dd>
      </div>
      {sku.backorder_date === null ? null : (
        <div>
          <dt>{text.skus.columns.backorderDate}</dt>
          <dd>{formats.day(sku.backorder_date)}</dd>
        </div>
      )}
      <div>
        <dt>{text.skus.columns.restriction}</dt>
        <dd>
          {sku.restrictions === null ? text.states.none : <Restriction value={sku.restrictions} />}
        </dd>
      </div>
    </dl>
  );
}
