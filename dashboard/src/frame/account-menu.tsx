import {
  Menu,
  SegmentedControl,
  Stack,
  Text,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { logOut, useSession } from '../api/session.ts';
import { LANGUAGES, useLanguage, useText, type Language } from '../language/language.tsx';
import { Icon } from './icons.tsx';
import classes from './frame.module.css';

/** Who is logged in, how the dashboard looks, and the way out. */
export function AccountMenu() {
  const text = useText();
  const session = useSession();
  const cache = useQueryClient();
  const { language, choose } = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leaving = useMutation({ mutationFn: async () => logOut(cache) });
  const { organization, username } = session;
  return (
    <Menu position="top-start" width={232}>
      <Menu.Target>
        <UnstyledButton className={classes['account']}>
          <span className={classes['initial']} aria-hidden="true">
            {username.slice(0, 1).toUpperCase()}
          </span>
          <div className={classes['names']}>
            <Text size="sm" fw={500} component="div">
              {organization.name}
            </Text>
            <Text size="xs" c="dimmed" component="div">
              {username} · {text.frame.types[organization.type]}
            </Text>
          </div>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Stack gap={8} px={8} py={6}>
          <Text size="xs" c="dimmed">
            {text.frame.theme}
          </Text>
          <SegmentedControl
            size="xs"
            fullWidth
            aria-label={text.frame.theme}
            value={colorScheme}
            onChange={setColorScheme}
            data={[
              { value: 'light', label: text.frame.themeLight },
              { value: 'dark', label: text.frame.themeDark },
              { value: 'auto', label: text.frame.themeAuto },
            ]}
          />
          <Text size="xs" c="dimmed">
            {text.frame.language}
          </Text>
          <SegmentedControl<Language>
            size="xs"
            fullWidth
            aria-label={text.frame.language}
            value={language}
            onChange={choose}
            data={[
              { value: 'en', label: LANGUAGES.en },
              { value: 'de', label: LANGUAGES.de },
            ]}
          />
        </Stack>
        <Menu.Divider />
        <Menu.Item component="a" href="/docs" target="_blank" leftSection={<Icon name="book" />}>
          {text.frame.documentation}
        </Menu.Item>
        <Menu.Item
          leftSection={<Icon name="logOut" />}
          onClick={() => leaving.mutate()}
          disabled={leaving.isPending}
        >
          {text.frame.logOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
