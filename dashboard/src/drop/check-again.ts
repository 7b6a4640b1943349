import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { FileSettings, FileUploaded, FileWithBatches } from '../../../client/src/index.ts';
import { jsonRequest } from '../../../client/src/json-request.ts';
import { useActing } from '../acting/acting.tsx';
import { FILE_SETTINGS_PATH, FILES_PATH } from '../files/queries.ts';

interface Chosen {
  readonly rules: Partial<FileSettings>;
  /** Whether later files are read so, too. */
  readonly isSaved: boolean;
}

/** Checks a file again by other reading rules, and opens the new check. */
export function useCheckAgain(file: FileWithBatches) {
  const { transport } = useActing();
  const navigate = useNavigate();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async ({ rules, isSaved }: Chosen) => {
      if (isSaved) {
        const path = FILE_SETTINGS_PATH;
        const { columns } = await transport.json<FileSettings>({ method: 'GET', path });
        const saved = { ...rules, columns: { ...columns, ...rules.columns } };
        await transport.json<FileSettings>(jsonRequest('PATCH', path, saved));
        await cache.invalidateQueries({ queryKey: ['file-settings'] });
      }
      const path = `${FILES_PATH}${file.uuid}/check/`;
      return transport.json<FileUploaded>(jsonRequest('POST', path, rules));
    },
    onSuccess: ({ uuid }) => void navigate({ to: '/drop/$uuid', params: { uuid }, replace: true }),
  });
}
