import { asText, type FileDescription, type FileReadOptions } from './stock-file.ts';
import { openFile } from './open-file.ts';
import { checkAdvice } from './x12/inventory-advice.ts';
import { openArchive } from './archive/zip.ts';

/** A file on disk, which can be read more than once. */
export interface WholeFile {
  readonly path: string;
  readonly read: () => AsyncIterable<Uint8Array>;
}

/**
 * Reads a file through, before anything is made of its rows, where only its end tells whether it is
 * whole: X12, whose envelopes count what they hold, and what is packed, which ends with a checksum.
 * Of other files nothing is read. Rejects as reading the rows does; breaks off by the signal.
 */
export async function checkWhole(
  { format, packing, sheet }: FileDescription,
  { path, read }: WholeFile,
  terms: FileReadOptions,
  signal: AbortSignal,
): Promise<void> {
  if (sheet !== null) {
    const { archive } = await openArchive(path, terms.limits);
    try {
      await readThrough(archive.read(sheet.part), signal);
    } finally {
      archive.close();
    }
  } else if (format === 'x12' || packing !== null) {
    const file = await openFile({ bytes: read(), path }, terms.limits);
    if (file.format === 'xlsx') throw new Error('a workbook has a sheet');
    try {
      if (format === 'x12') await checkAdvice(asText(file.utf8), terms.limits, signal);
      else await readThrough(file.utf8, signal);
    } finally {
      await file.close();
    }
  }
}

async function readThrough(pieces: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
  for await (const _ of pieces) if (signal.aborted) return;
}
