import '@mantine/core/styles/Radio.css';
import { Button, Checkbox, Group, Radio, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FileSettings, FileWithBatches } from '../../../client/src/index.ts';
import { jsonRequest } from '../../../client/src/json-request.ts';
import { useActing } from '../acting/acting.tsx';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import type { Messages } from '../language/messages.ts';
import { FailedAlert } from '../states/states.tsx';
import { FILE_SETTINGS_PATH } from './queries.ts';

type Question = FileWithBatches['questions'][number];

/** What a held file asks. Nothing is guessed: each question is answered here, once or for all later files. */
export function Questions({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const cache = useQueryClient();
  const { onhand, transport } = useActing();
  const [answers, setAnswers] = useState<Readonly<Record<string, string>>>({});
  const [isSaved, setIsSaved] = useState(false);
  const onSettled = async (): Promise<void> => cache.invalidateQueries({ queryKey: ['files'] });
  const answering = useMutation({
    mutationFn: async () => {
      const confirmed = await onhand.files.confirm(file.uuid, answers);
      if (isSaved) {
        await transport.json<FileSettings>(jsonRequest('PATCH', FILE_SETTINGS_PATH, answers));
      }
      return confirmed;
    },
    onSettled,
  });
  const canceling = useMutation({
    mutationFn: async () => onhand.files.cancel(file.uuid),
    onSettled,
  });
  if (file.questions.length === 0) return null;
  return (
    <Panel title={text.questions.title}>
      <Stack gap={18}>
        <Text size="sm" c="dimmed">
          {text.questions.intro}
        </Text>
        {file.questions.map((question) => (
          <Radio.Group
            key={question.rule}
            label={titleOf(text, question)}
            description={question.detail}
            value={answers[question.rule] ?? null}
            onChange={(answer) => setAnswers({ ...answers, [question.rule]: answer })}
          >
            <Stack gap={8} mt={10}>
              {question.answers.map((answer) => (
                <Radio
                  key={answer}
                  size="xs"
                  value={answer}
                  label={answerOf(text, question, answer)}
                />
              ))}
            </Stack>
          </Radio.Group>
        ))}
        <Group justify="space-between">
          <Checkbox
            size="xs"
            label={text.questions.save}
            checked={isSaved}
            onChange={(event) => setIsSaved(event.currentTarget.checked)}
          />
          <Group gap={8}>
            <Button
              variant="default"
              loading={canceling.isPending}
              onClick={() => canceling.mutate()}
            >
              {text.files.discard}
            </Button>
            <Button
              loading={answering.isPending}
              disabled={file.questions.some(({ rule }) => answers[rule] === undefined)}
              onClick={() => answering.mutate()}
            >
              {file.dry_run ? text.questions.goOn : text.questions.apply}
            </Button>
          </Group>
        </Group>
        {answering.error === null ? null : <FailedAlert error={answering.error} />}
      </Stack>
    </Panel>
  );
}

function titleOf(text: Messages, { code, rule }: Question): string {
  const titles: Readonly<Record<string, string>> = text.questions.titles;
  return titles[code] ?? rule;
}

function answerOf(text: Messages, { rule }: Question, answer: string): string {
  const answers: Readonly<Record<string, string>> = text.questions.answers;
  return answers[`${rule}_${answer}`] ?? answer;
}
