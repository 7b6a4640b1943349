import { ActionIcon, Group, Text } from '@mantine/core';
import { Icon } from '../frame/icons.tsx';
import { useFormats, useText } from '../language/language.tsx';

/** Turns the pages of a list. */
export function Pages({
  pagination,
  onTurn,
}: {
  readonly pagination: {
    readonly start: number;
    readonly limit: number;
    readonly total_count: number;
    readonly next_start_index: number | null;
  };
  readonly onTurn: (start: number) => void;
}) {
  const text = useText();
  const formats = useFormats();
  const { start, limit, total_count: total, next_start_index: next } = pagination;
  if (start === 0 && next === null) return null;
  const last = next ?? total;
  return (
    <Group justify="flex-end" gap={6} px={14} py={8}>
      <Text size="xs" c="dimmed">
        {text.files.pageOf(formats.number(start + 1), formats.number(last), formats.number(total))}
      </Text>
      <ActionIcon
        aria-label={text.files.previous}
        disabled={start === 0}
        onClick={() => onTurn(Math.max(0, start - limit))}
      >
        <span style={{ transform: 'rotate(180deg)', display: 'inline-flex' }}>
          <Icon name="chevronRight" />
        </span>
      </ActionIcon>
      <ActionIcon
        aria-label={text.files.next}
        disabled={next === null}
        onClick={() => {
          if (next !== null) onTurn(next);
        }}
      >
        <Icon name="chevronRight" />
      </ActionIcon>
    </Group>
  );
}
