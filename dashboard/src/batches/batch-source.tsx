import { Badge } from '@mantine/core';
import { useText } from '../language/language.tsx';
import type { Messages } from '../language/messages.ts';

/** How a batch was sent. */
export function BatchSource({ source }: { readonly source: string }) {
  const text = useText();
  return (
    <Badge color="gray" className={source === 'revert' ? 'badge-warn' : 'badge-neutral'}>
      {sourceName(source, text)}
    </Badge>
  );
}

/** The name of a source; one that is newer than the dashboard keeps the API's name. */
export function sourceName(source: string, { batches }: Messages): string {
  const names: Readonly<Record<string, string>> = batches.sources;
  return names[source] ?? source;
}
