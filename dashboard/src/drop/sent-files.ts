import type { FileTerms, Onhand } from '../../../client/src/index.ts';

/** The files that this page has sent, by UUID: to send one again when it is to be read differently. */
const sent = new Map<string, SentFile>();

export interface SentFile {
  readonly file: File;
  readonly terms: FileTerms;
  readonly reason: string;
}

/** Uploads a file for a check: nothing is applied. Returns its UUID. */
export async function sendForCheck(onhand: Onhand, sending: SentFile): Promise<string> {
  const { file, terms, reason } = sending;
  const uuid = await onhand.files.upload(file, {
    filename: file.name,
    terms: { ...terms, dry_run: true },
    ...(reason !== '' && { reason }),
  });
  sent.set(uuid, sending);
  return uuid;
}

/** Undefined if the page was loaded again since, or the file came from elsewhere. */
export function sentFile(uuid: string): SentFile | undefined {
  return sent.get(uuid);
}
