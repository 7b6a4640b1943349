import { Checkbox, Input, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Webhook, WebhookDraft } from '../../../client/src/index.ts';
import { useSession } from '../api/session.ts';
import { suppliersQuery } from '../api/suppliers.ts';
import { useFormats, useText } from '../language/language.tsx';
import classes from './webhooks.module.css';

/** What a person chooses of a webhook, as the fields show it. */
export interface WebhookFields {
  readonly url: string;
  readonly description: string;
  /** Their uuids; none means all. */
  readonly suppliers: readonly string[];
}

export function fieldsOf(webhook?: Webhook): WebhookFields {
  return {
    url: webhook?.url ?? '',
    description: webhook?.description ?? '',
    suppliers: webhook?.supplier_uuids ?? [],
  };
}

export function draftOf({ url, description, suppliers }: WebhookFields): WebhookDraft {
  const about = description.trim();
  return {
    url: url.trim(),
    description: about === '' ? null : about,
    supplier_uuids: suppliers.length === 0 ? null : suppliers,
  };
}

/** The fields of a webhook. Only retailers choose suppliers: a supplier's webhook gets its own changes. */
export function WebhookInputs({
  fields,
  onChange,
}: {
  readonly fields: WebhookFields;
  readonly onChange: (fields: WebhookFields) => void;
}) {
  const text = useText();
  const isRetailer = useSession().organization.type === 'retailer';
  return (
    <>
      <TextInput
        label={text.webhooks.url}
        description={text.webhooks.urlHint}
        placeholder="https://example.com/hook"
        type="url"
        required
        withAsterisk={false}
        data-autofocus
        value={fields.url}
        onChange={(event) => onChange({ ...fields, url: event.currentTarget.value })}
      />
      <TextInput
        label={text.webhooks.description}
        maxLength={256}
        value={fields.description}
        onChange={(event) => onChange({ ...fields, description: event.currentTarget.value })}
      />
      {isRetailer ? (
        <Suppliers
          chosen={fields.suppliers}
          onChange={(suppliers) => onChange({ ...fields, suppliers })}
        />
      ) : null}
    </>
  );
}

function Suppliers({
  chosen,
  onChange,
}: {
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}) {
  const text = useText();
  const formats = useFormats();
  const { data: seen } = useQuery(suppliersQuery);
  // A chosen supplier may have disconnected: if it were not listed, none would seem to be chosen.
  const gone = chosen.filter((uuid) => seen?.every((supplier) => supplier.uuid !== uuid));
  const suppliers = [...(seen ?? []), ...gone.map((uuid) => ({ uuid, name: uuid }))];
  const [sought, seek] = useState('');
  const isMany = suppliers.length > SUPPLIERS_SEEN_AT_ONCE;
  const found = suppliers.filter(({ name }) => name.toLowerCase().includes(sought.toLowerCase()));
  const shown = found.filter(({ uuid }, place) => place < DRAWN_MAX || chosen.includes(uuid));
  return (
    <Input.Wrapper
      label={text.webhooks.suppliers}
      description={text.webhooks.suppliersHint}
      labelElement="div"
    >
      <Stack gap={8} mt={6} role="group" aria-label={text.webhooks.suppliers}>
        {isMany ? (
          <TextInput
            aria-label={text.webhooks.findSupplier}
            placeholder={text.webhooks.findSupplier}
            value={sought}
            onChange={(event) => seek(event.currentTarget.value)}
            onKeyDown={(event) => {
              // Would submit the form.
              if (event.key === 'Enter') event.preventDefault();
            }}
          />
        ) : null}
        <Stack gap={8} mah={180} className={classes['suppliers']}>
          {shown.map(({ uuid, name }) => (
            <Checkbox
              key={uuid}
              size="xs"
              label={name}
              checked={chosen.includes(uuid)}
              onChange={({ currentTarget: { checked } }) => {
                const others = chosen.filter((other) => other !== uuid);
                onChange(checked ? [...others, uuid] : others);
              }}
            />
          ))}
        </Stack>
        {found.length > shown.length ? (
          <Text size="xs" c="dimmed">
            {text.webhooks.moreSuppliers(formats.number(found.length - shown.length))}
          </Text>
        ) : null}
      </Stack>
    </Input.Wrapper>
  );
}

/** More suppliers than this are searched. */
const SUPPLIERS_SEEN_AT_ONCE = 8;
/** How many of those found have a checkbox, beside the chosen ones: thousands of them would take seconds to draw. */
const DRAWN_MAX = 100;
