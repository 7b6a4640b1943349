import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import type { FileWithBatches } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { Effects } from '../files/effects.tsx';
import { FileFacts } from '../files/file-facts.tsx';
import { FileProgress } from '../files/file-progress.tsx';
import { effectTotalsQuery, fileQuery, isUnfinished } from '../files/queries.ts';
import { FileNotice } from '../files/notices.tsx';
import { Questions } from '../files/questions.tsx';
import { Icon } from '../frame/icons.tsx';
import { Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, FailedAlert, LoadingRows } from '../states/states.tsx';
import { Columns } from './columns.tsx';
import { Rules } from './rules.tsx';
import { Totals } from './totals.tsx';

/** A file that was dropped: what it would do, before any of it is applied. */
export function Check() {
  const text = useText();
  const { uuid = '' } = useParams({ strict: false });
  const acting = useActing();
  const { data: file, error, refetch } = useQuery(fileQuery(acting, uuid));
  const name = file?.filename ?? text.files.unnamed;
  return (
    <Screen
      title={text.check.title(file === undefined ? '…' : name)}
      above={
        <Anchor component={Link} to="/drop" size="sm">
          ← {text.check.another}
        </Anchor>
      }
      subtitle={file === undefined ? undefined : <FileFacts file={file} />}
      actions={file === undefined ? undefined : <CheckActions key={file.uuid} file={file} />}
    >
      {error !== null ? <Failed error={error} onRetry={() => void refetch()} /> : null}
      {file === undefined && error === null ? <LoadingRows /> : null}
      {file === undefined ? null : <Checked file={file} />}
    </Screen>
  );
}

function Checked({ file }: { readonly file: FileWithBatches }) {
  const isDone = file.state === 'done';
  return (
    <>
      {isUnfinished(file) ? <FileProgress file={file} /> : null}
      {file.state === 'held' ? <Questions file={file} /> : null}
      <FileNotice file={file} />
      {isDone ? <Totals file={file} /> : null}
      {isDone ? <Effects file={file} /> : null}
      {isUnfinished(file) ? null : <Columns key={`columns ${file.uuid}`} file={file} />}
      {isUnfinished(file) || !isTable(file) ? null : (
        <Rules key={`rules ${file.uuid}`} file={file} />
      )}
    </>
  );
}

/** Reading rules are about tables; a format that is not known may be one. */
function isTable({ format }: FileWithBatches): boolean {
  return format === null || format === 'csv' || format === 'xlsx';
}

/** Applies what was checked. Its results and its undo are on the screen that follows. */
function CheckActions({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const formats = useFormats();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const acting = useActing();
  const { onhand } = acting;
  const isDone = file.state === 'done';
  const isStopped = file.state === 'refused' && file.problem?.code === 'breaker_tripped';
  const { data: effects } = useQuery({ ...effectTotalsQuery(acting, file.uuid), enabled: isDone });
  const applying = useMutation({
    mutationFn: async () => onhand.files.apply(file.uuid),
    onSuccess: (uuid) => {
      void cache.invalidateQueries({ queryKey: ['files'] });
      void navigate({ to: '/files/$uuid', params: { uuid } });
    },
  });
  if (!file.dry_run || !(isDone || isStopped)) return null;
  const { changed, failed, zeroed } = effects?.totals ?? {};
  const count = (changed ?? 0) + (zeroed ?? 0);
  return (
    <Stack gap={6} align="flex-end">
      <Group gap={12}>
        {isDone && failed !== undefined && failed > 0 ? (
          <Text size="sm" className="warn">
            {text.check.leftOut(formats.number(failed), formats.isOne(failed))}
          </Text>
        ) : null}
        <Button
          size="sm"
          leftSection={<Icon name="check" />}
          loading={applying.isPending || (isDone && effects === undefined)}
          disabled={isDone && (changed === undefined || (file.kind !== 'catalogue' && count === 0))}
          color={isStopped ? 'red' : 'pine'}
          onClick={() => applying.mutate()}
        >
          {isStopped
            ? text.check.applyStopped
            : file.kind === 'catalogue'
              ? text.check.applyCatalogue
              : text.check.apply(formats.number(count), formats.isOne(count))}
        </Button>
      </Group>
      {applying.error === null ? null : <FailedAlert error={applying.error} />}
    </Stack>
  );
}
