import '@mantine/core/styles/Tabs.css';
import { Button, Select, Tabs } from '@mantine/core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { BatchTable } from '../batches/batch-table.tsx';
import { Icon } from '../frame/icons.tsx';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { FileTable } from './file-table.tsx';
import { FILE_STATES, filesSearchOf } from './search.ts';
import classes from './files.module.css';

const PAGE_LIMIT = 25;

/** What was sent: files, and the batches of every kind, each with its undo. */
export function Files() {
  const text = useText();
  const navigate = useNavigate();
  const { list = 'files', start = 0, state } = filesSearchOf(useSearch({ strict: false }));
  const turn = (to: number): void =>
    void navigate({
      to: '/files',
      search: (before) => ({ ...before, list, start: to === 0 ? undefined : to }),
    });
  return (
    <Screen
      title={text.frame.screens.files}
      actions={
        <Button
          leftSection={<Icon name="upload" />}
          renderRoot={(props) => <Link to="/drop" {...props} />}
        >
          {text.frame.screens.drop}
        </Button>
      }
    >
      <Tabs
        value={list}
        onChange={(chosen) =>
          void navigate({
            to: '/files',
            search: (before) => ({
              ...before,
              list: chosen === 'batches' ? 'batches' : undefined,
              start: undefined,
            }),
          })
        }
      >
        <Tabs.List mb={14}>
          <Tabs.Tab value="files">{text.files.tabFiles}</Tabs.Tab>
          <Tabs.Tab value="batches">{text.files.tabBatches}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="files">
          <Select
            className={classes['filter'] ?? ''}
            aria-label={text.files.state}
            placeholder={text.files.anyState}
            clearable
            data={FILE_STATES.map((each) => ({ value: each, label: text.files.states[each] }))}
            value={state ?? null}
            onChange={(chosen) => {
              const wanted = FILE_STATES.find((each) => each === chosen);
              void navigate({
                to: '/files',
                search: (before) => ({ ...before, state: wanted, start: undefined }),
              });
            }}
          />
          <div className="panel">
            {list === 'files' ? (
              <FileTable limit={PAGE_LIMIT} start={start} state={state} onTurn={turn} />
            ) : null}
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="batches">
          <div className="panel">
            {list === 'batches' ? (
              <BatchTable limit={PAGE_LIMIT} start={start} onTurn={turn} />
            ) : null}
          </div>
        </Tabs.Panel>
      </Tabs>
    </Screen>
  );
}
