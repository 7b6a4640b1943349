import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon, type IconName } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import classes from './overview.module.css';

/** One thing that someone should look at, and where. */
export interface AttentionItem {
  readonly key: string;
  readonly tone: 'bad' | 'warn';
  readonly icon: IconName;
  readonly title: string;
  /** Who or what exactly, with links to where it can be mended. */
  readonly detail?: ReactNode;
}

/** What needs attention, the worst first; or that nothing does. */
export function Attention({ items }: { readonly items: readonly AttentionItem[] }) {
  const text = useText();
  if (items.length === 0) {
    return (
      <Group gap={8} className={`panel panel-body ${classes['calm']}`} role="status">
        <Icon name="check" />
        <Text size="sm">{text.attention.nothing}</Text>
      </Group>
    );
  }
  return (
    <Panel title={text.attention.title} isFlush>
      <ul className={classes['attention']}>
        {items.map(({ key, tone, icon, title, detail }) => (
          <li key={key}>
            <span className={tone}>
              <Icon name={icon} />
            </span>
            <div>
              <Text size="sm" fw={500}>
                {title}
              </Text>
              {detail === undefined ? null : (
                <Text size="xs" component="div">
                  {detail}
                </Text>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** An item that names what it is about; none if there is nothing. */
export function itemsAbout(
  names: readonly ReactNode[],
  item: Omit<AttentionItem, 'detail'>,
): readonly AttentionItem[] {
  return names.length === 0 ? [] : [{ ...item, detail: <Few items={names} /> }];
}

const SHOWN_MAX = 6;

/** The first few of many, separated by commas. */
function Few({ items }: { readonly items: readonly ReactNode[] }) {
  const text = useText();
  const shown = items.slice(0, SHOWN_MAX);
  return (
    <>
      {shown.map((item, place) => (
        // The order is part of what is shown.
        <span key={place}>
          {place > 0 ? ', ' : ''}
          {item}
        </span>
      ))}
      {items.length > SHOWN_MAX ? ` ${text.attention.more(items.length - SHOWN_MAX)}` : null}
    </>
  );
}
