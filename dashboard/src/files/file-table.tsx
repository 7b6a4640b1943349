import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { File as StockFile } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { Ago } from '../format/time.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { Nothing } from '../states/states.tsx';
import { FileState } from './file-state.tsx';
import { Pages } from './pages.tsx';
import { countsOf, filesQuery, type FileStateName } from './queries.ts';

/** Files, latest first. */
export function FileTable({
  limit,
  start = 0,
  state,
  onTurn,
}: {
  readonly limit: number;
  readonly start?: number;
  /** Only files in this state. */
  readonly state?: FileStateName | undefined;
  /** Shows the page from this file on; without it, there is one page only. */
  readonly onTurn?: (start: number) => void;
}) {
  const text = useText();
  const query = useQuery(filesQuery(useActing(), { start, limit, state }));
  return (
    <>
      <QueryTable
        query={query}
        rows={query.data?.files}
        nothing={
          state === undefined ? (
            <Nothing title={text.files.noneTitle}>{text.files.noneText}</Nothing>
          ) : (
            <Nothing title={text.files.noneInState} />
          )
        }
        minWidth={560}
        head={
          <>
            <Table.Th>{text.files.file}</Table.Th>
            <Table.Th>{text.files.state}</Table.Th>
            <Table.Th className="number">{text.files.rowsApplied}</Table.Th>
            <Table.Th className="number">{text.files.rowsFailed}</Table.Th>
            <Table.Th>{text.files.sender}</Table.Th>
            <Table.Th>{text.files.uploaded}</Table.Th>
          </>
        }
        row={(file) => <FileRow key={file.uuid} file={file} />}
      />
      {onTurn === undefined || query.data === undefined ? null : (
        <Pages pagination={query.data.pagination} onTurn={onTurn} />
      )}
    </>
  );
}

function FileRow({ file }: { readonly file: StockFile }) {
  const text = useText();
  const formats = useFormats();
  const { applied, failed } = countsOf(file.status_counts);
  return (
    <Table.Tr>
      <Table.Td>
        <Link
          to={file.dry_run ? '/drop/$uuid' : '/files/$uuid'}
          params={{ uuid: file.uuid }}
          className="row-link"
        >
          {file.filename ?? text.files.unnamed}
        </Link>
        {file.reason === null ? null : <div className="muted">{file.reason}</div>}
      </Table.Td>
      <Table.Td>
        <FileState file={file} />
      </Table.Td>
      <Table.Td className="number">{file.dry_run ? '–' : formats.number(applied)}</Table.Td>
      <Table.Td className={`number ${failed > 0 ? 'bad' : 'muted'}`}>
        {formats.number(failed)}
      </Table.Td>
      <Table.Td>{file.username ?? '–'}</Table.Td>
      <Table.Td>
        <Ago time={file.uploaded} />
      </Table.Td>
    </Table.Tr>
  );
}
