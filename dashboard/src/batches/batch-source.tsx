import { Badge } from '@mantine/core';
import { useText } from '../language/language.tsx';

/** How a batch was sent. */
export function BatchSource({ source }: { readonly source: string }) {
  const text = useText();
  const names: Readonly<Record<string, string>> = text.batches.sources;
  return (
    <Badge color="gray" className={source === 'revert' ? 'badge-warn' : 'badge-neutral'}>
      {names[source] ?? source}
    </Badge>
  );
}
