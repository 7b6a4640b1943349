import '@mantine/core/styles/NumberInput.css';
import { Alert, Button, Group, NumberInput, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Organization } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';
import { organizationsQuery } from './queries.ts';

/** How often a supplier is expected to report, and what a batch of it may take out of stock. */
export function Limits({ organization }: { readonly organization: Organization }) {
  const text = useText();
  const cache = useQueryClient();
  const { uuid, expected_interval_minutes: expected, safety_limit: limit } = organization;
  const [minutes, setMinutes] = useState<string | number>(expected ?? '');
  const [percent, setPercent] = useState<string | number>(limit?.percent ?? '');
  const [skus, setSkus] = useState<string | number>(limit?.skus_min ?? '');
  const saving = useMutation({
    mutationFn: async () =>
      onhand.organizations.change(uuid, {
        expected_interval_minutes: minutes === '' ? null : Number(minutes),
        safety_limit:
          percent === '' ? null : { percent: Number(percent), skus_min: Number(skus || 1) },
      }),
    onSuccess: async () => cache.invalidateQueries({ queryKey: organizationsQuery.queryKey }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    saving.mutate();
  };
  return (
    <Panel title={text.access.limits}>
      <form onSubmit={submit}>
        <Stack gap={12}>
          <Group gap={16} align="flex-end">
            <NumberInput
              label={text.access.expected}
              placeholder={text.access.notExpected}
              min={1}
              allowDecimal={false}
              value={minutes}
              onChange={setMinutes}
            />
            <NumberInput
              label={text.access.limitPercent}
              placeholder={text.access.defaultLimit}
              min={0}
              max={100}
              value={percent}
              onChange={setPercent}
            />
            <NumberInput
              label={text.access.limitSkus}
              placeholder={text.access.defaultLimit}
              min={1}
              allowDecimal={false}
              value={skus}
              onChange={setSkus}
            />
            <Button type="submit" loading={saving.isPending}>
              {text.access.save}
            </Button>
          </Group>
          <Text size="xs" c="dimmed">
            {text.access.limitsWill}
          </Text>
          {saving.error === null ? null : <FailedAlert error={saving.error} />}
          {saving.isSuccess ? (
            <Alert color="green" role="status" py={6}>
              {text.access.saved}
            </Alert>
          ) : null}
        </Stack>
      </form>
    </Panel>
  );
}
