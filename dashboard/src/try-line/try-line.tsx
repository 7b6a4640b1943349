import { Alert, Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useState } from 'react';
import type { Line, LineResult } from '../../../client/src/index.ts';
import { jsonRequest } from '../../../client/src/json-request.ts';
import { useActing } from '../acting/acting.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel, Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';
import { LineReport } from './line-report.tsx';
import { readPasted } from './pasted.ts';

const BULK_PATH = '/timp/products/skus/inventory/bulk/?dry_run=true';
const EXAMPLE = '{"sku_id": "KETTLE-CRE-S", "quantity_in_stock": 5}';

/** Says why a line fails, or what it would change. Nothing is applied. */
export function TryLine() {
  const text = useText();
  const navigate = useNavigate();
  const { onhand, transport } = useActing();
  const [pasted, setPasted] = useState('');
  const read = readPasted(pasted);
  const trying = useMutation({
    mutationFn: async (lines: readonly Line[]) => {
      const request = jsonRequest('POST', BULK_PATH, lines);
      const headers = { ...request.headers, prefer: 'return=representation' };
      const results = await transport.json<readonly LineResult[]>({ ...request, headers });
      return lines.map((line, place) => ({ line, result: results[place] }));
    },
  });
  const sending = useMutation({
    mutationFn: async (table: string) =>
      onhand.files.upload(new Blob([table], { type: 'text/csv' }), {
        filename: `${text.tryLine.pastedName}.csv`,
        terms: { dry_run: true },
      }),
    onSuccess: (uuid) => void navigate({ to: '/drop/$uuid', params: { uuid } }),
  });
  const submit = (): void => {
    if (read.kind === 'lines') trying.mutate(read.lines);
    if (read.kind === 'table') sending.mutate(read.text);
  };
  const submitByKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    submit();
  };
  const error = trying.error ?? sending.error;
  return (
    <Screen title={text.frame.screens.tryLine} subtitle={text.tryLine.subtitle}>
      <Panel title={text.tryLine.paste}>
        <Stack gap={10}>
          <Textarea
            aria-label={text.tryLine.paste}
            placeholder={EXAMPLE}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            rows={6}
            spellCheck={false}
            value={pasted}
            onChange={(event) => setPasted(event.currentTarget.value)}
            onKeyDown={submitByKey}
          />
          {read.kind === 'broken' ? (
            <Alert color="yellow" py={8} role="status">
              {text.tryLine.broken[read.why]}
            </Alert>
          ) : null}
          <Group justify="space-between">
            <Text size="xs" c="dimmed">
              {text.tryLine.hint}
            </Text>
            <Button
              leftSection={<Icon name="flask" />}
              disabled={read.kind === 'empty' || read.kind === 'broken'}
              loading={trying.isPending || sending.isPending}
              onClick={submit}
            >
              {text.tryLine.try}
            </Button>
          </Group>
        </Stack>
      </Panel>
      {error === null ? null : <FailedAlert error={error} />}
      {(trying.data ?? []).map(({ line, result }, place) =>
        result === undefined ? null : (
          <LineReport
            key={`${trying.submittedAt} ${place}`}
            number={place + 1}
            line={line}
            result={result}
          />
        ),
      )}
    </Screen>
  );
}
