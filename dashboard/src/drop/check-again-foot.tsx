import { Button, Checkbox } from '@mantine/core';
import { useState } from 'react';
import type { FileSettings, FileWithBatches } from '../../../client/src/index.ts';
import { Icon } from '../frame/icons.tsx';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';
import { useCheckAgain } from './check-again.ts';
import classes from './drop.module.css';

/** The foot of a panel with changed rules: checks the file again by them, and saves them if wanted. */
export function CheckAgainFoot({
  file,
  rules,
  isSavedAtFirst,
}: {
  readonly file: FileWithBatches;
  /** The changed rules; undefined while they cannot be read. */
  readonly rules: Partial<FileSettings> | undefined;
  readonly isSavedAtFirst: boolean;
}) {
  const text = useText();
  const [isSaved, setIsSaved] = useState(isSavedAtFirst);
  const checking = useCheckAgain(file);
  return (
    <>
      <div className={classes['foot']}>
        <Checkbox
          size="xs"
          label={text.columns.save}
          checked={isSaved}
          onChange={(event) => setIsSaved(event.currentTarget.checked)}
        />
        <Button
          variant="light"
          leftSection={<Icon name="flask" />}
          loading={checking.isPending}
          disabled={rules === undefined}
          onClick={() => rules !== undefined && checking.mutate({ rules, isSaved })}
        >
          {text.columns.checkAgain}
        </Button>
      </div>
      {checking.error === null ? null : <FailedAlert error={checking.error} />}
    </>
  );
}
