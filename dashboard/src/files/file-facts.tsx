import type { File as StockFile } from '../../../client/src/index.ts';
import { Ago } from '../format/time.tsx';
import { useFormats, useText } from '../language/language.tsx';

/** What a file is: its format, sheet and size, who sent it and when. */
export function FileFacts({ file }: { readonly file: StockFile }) {
  const text = useText();
  const formats = useFormats();
  const facts = [
    ...(file.format === null ? [] : [file.format.toUpperCase()]),
    ...(file.sheet === null ? [] : [text.files.sheet(file.sheet)]),
    ...(file.kind === 'catalogue' ? [text.files.catalogue] : []),
    ...(file.mode === 'snapshot' ? [text.files.snapshot] : []),
    formats.bytes(file.bytes),
    ...(file.username === null ? [] : [text.files.by(file.username)]),
  ];
  return (
    <>
      {facts.join(' · ')} · <Ago time={file.uploaded} />
    </>
  );
}
