import { Badge } from '@mantine/core';
import type { File as StockFile } from '../../../client/src/index.ts';
import { useText } from '../language/language.tsx';
import { countsOf } from './queries.ts';

const COLORS = {
  waiting: 'badge-neutral',
  reading: 'badge-neutral',
  held: 'badge-warn',
  done: 'badge-good',
  refused: 'badge-bad',
  failed: 'badge-bad',
  canceled: 'badge-neutral',
} as const;

/** The state of a file, in one word. */
export function FileState({ file }: { readonly file: StockFile }) {
  const text = useText();
  const isPartial = file.state === 'done' && countsOf(file.status_counts).failed > 0;
  return (
    <Badge className={isPartial ? 'badge-warn' : COLORS[file.state]} color="gray">
      {file.dry_run && file.state === 'done'
        ? text.files.checked
        : isPartial
          ? text.files.partlyApplied
          : text.files.states[file.state]}
    </Badge>
  );
}
