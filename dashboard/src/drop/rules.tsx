import { Button, Checkbox, Collapse, Select, SimpleGrid, Stack, Textarea } from '@mantine/core';
import { useDisclosure, useSessionStorage } from '@mantine/hooks';
import type { FileSettings, FileWithBatches } from '../../../client/src/index.ts';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { CheckAgainFoot } from './check-again-foot.tsx';
import { printWords, readWords } from './words.ts';

/** The rules that are a choice, and what may be chosen. Without a choice, the file asks where it matters. */
const CHOICES = {
  decimal: ['comma', 'point'],
  dates: ['day_first', 'month_first'],
  locations: ['sum', 'last'],
  negative: ['zero'],
  identifiers: ['sku_id_first'],
} as const;
type ChoiceName = keyof typeof CHOICES;
const CHOICE_NAMES = [
  'decimal',
  'dates',
  'locations',
  'negative',
  'identifiers',
] as const satisfies readonly ChoiceName[];

/** The rules as texts, as the status of a file has them; an empty text is no choice. */
type Texts = Readonly<Record<string, string>>;

/** The other reading rules of a file: other choices are checked again, and saved if wanted. */
export function Rules({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const [isOpen, { toggle }] = useDisclosure(
    Object.keys(file.rules).some((name) => name !== 'mapping'),
  );
  // They survive a reload of the page.
  const [changes, setChanges] = useSessionStorage<Texts>({
    key: `onhand-rules-${file.uuid}`,
    defaultValue: {},
  });
  const textOf = (name: string): string => changes[name] ?? file.rules[name] ?? '';
  const change = (name: string, value: string): void => {
    const { [name]: _before, ...others } = changes;
    setChanges(value === (file.rules[name] ?? '') ? others : { ...others, [name]: value });
  };
  const words = readWords(changes['words'] ?? printWords(file.rules['words'] ?? ''));
  const choices: Readonly<Record<string, string>> = text.rules.choices;
  return (
    <Panel
      title={text.rules.title}
      isFlush
      actions={
        <Button variant="subtle" aria-expanded={isOpen} onClick={toggle}>
          {isOpen ? text.rules.hide : text.rules.show}
        </Button>
      }
    >
      <Collapse expanded={isOpen}>
        <Stack gap={14} className="panel-body">
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
            {CHOICE_NAMES.map((name) => (
              <Select
                key={name}
                label={text.rules.names[name]}
                data={[
                  { value: '', label: text.rules.unset[name] },
                  ...CHOICES[name].map((value) => ({
                    value,
                    label: choices[`${name}_${value}`] ?? value,
                  })),
                ]}
                value={textOf(name)}
                allowDeselect={false}
                onChange={(value) => change(name, value ?? '')}
              />
            ))}
            <Textarea
              label={text.rules.names.words}
              description={text.rules.wordsHint}
              placeholder={'in stock = 10\nsold out = 0'}
              autosize
              minRows={2}
              maxRows={8}
              value={changes['words'] ?? printWords(file.rules['words'] ?? '')}
              error={words === undefined ? text.rules.wordsWrong : undefined}
              onChange={({ currentTarget: { value } }) => setChanges({ ...changes, words: value })}
            />
          </SimpleGrid>
          <Checkbox
            size="xs"
            label={text.rules.names.strict}
            checked={textOf('strict') === 'true'}
            onChange={({ currentTarget: { checked } }) => change('strict', checked ? 'true' : '')}
          />
        </Stack>
        {Object.keys(changes).length === 0 ? null : (
          <CheckAgainFoot
            file={file}
            rules={words && settingsOf(changes, words)}
            isSavedAtFirst={false}
          />
        )}
      </Collapse>
    </Panel>
  );
}

/** The changed rules as settings have them: a choice that was taken back is null. */
function settingsOf(
  changes: Texts,
  words: NonNullable<FileSettings['words']>,
): Partial<FileSettings> {
  let settings: Partial<FileSettings> = {};
  for (const [name, value] of Object.entries(changes)) {
    if (name === 'words') settings = { ...settings, words };
    else if (name === 'strict') settings = { ...settings, strict: value === 'true' };
    else settings = { ...settings, [name]: value === '' ? null : value };
  }
  return settings;
}
