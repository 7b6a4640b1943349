import {
  Alert,
  createTheme,
  type CSSVariablesResolver,
  type MantineColorsTuple,
  type MantineThemeOverride,
  mergeThemeOverrides,
} from '@mantine/core';

const pine: MantineColorsTuple = [
  '#e9f7f4',
  '#d3ebe6',
  '#a6d7cd',
  '#76c2b3',
  '#4fb09d',
  '#2f9c88',
  '#1a8574',
  '#0d6b5e',
  '#0a5a4f',
  '#06453d',
];

const ALERT_TONES: ReadonlyMap<string, string> = new Map([
  ['red', 'var(--onhand-bad)'],
  ['yellow', 'var(--onhand-warn)'],
  ['gray', 'var(--mantine-color-dimmed)'],
]);

/** Dense, without web fonts: no other host is asked for anything. */
const theme = createTheme({
  primaryColor: 'pine',
  primaryShade: 7,
  autoContrast: true,
  colors: {
    pine,
    dark: [
      '#dfe3e8',
      '#c3c9d1',
      '#a3abb6',
      '#7d8794',
      '#4a535f',
      '#343c47',
      '#262d37',
      '#1b2129',
      '#151a21',
      '#0f1318',
    ],
  },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.25rem', lineHeight: '1.3' },
      h2: { fontSize: '0.9375rem', lineHeight: '1.35' },
      h3: { fontSize: '0.875rem', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  radius: { xs: '2px', sm: '4px', md: '6px', lg: '10px', xl: '16px' },
  cursorType: 'pointer',
  components: {
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Alert: Alert.extend({
      vars: (_theme, { color }) => {
        const tone = ALERT_TONES.get(String(color)) ?? 'var(--onhand-accent)';
        return {
          root: {
            '--alert-bg': `color-mix(in srgb, ${tone} 7%, var(--mantine-color-body))`,
            '--alert-bd': `1px solid color-mix(in srgb, ${tone} 35%, var(--onhand-line))`,
            '--alert-color': tone,
          },
        };
      },
    }),
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 500 } },
    Button: { defaultProps: { size: 'xs' } },
    // Mantine's placeholder is no item: screen readers may count it as one.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    // The header of a dialog is not that of the page.
    Modal: { defaultProps: { centered: true, attributes: { header: { role: 'presentation' } } } },
    NumberInput: { defaultProps: { size: 'xs' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    // Lists are drawn once they open. Before, a screen with several would place each of them first.
    Select: { defaultProps: { size: 'xs', comboboxProps: { keepMounted: false } } },
    Table: { defaultProps: { verticalSpacing: 6, horizontalSpacing: 'sm', fz: 'sm' } },
    TextInput: { defaultProps: { size: 'xs' } },
    Tooltip: { defaultProps: { openDelay: 300 } },
  },
});

/** The theme, in which buttons that show only a cross have a name for screen readers. */
export function themeWith(closeLabel: string): MantineThemeOverride {
  const named = { defaultProps: { closeButtonProps: { 'aria-label': closeLabel } } };
  return mergeThemeOverrides(theme, { components: { Modal: named, Notification: named } });
}

/** Colours whose contrast to the background is 4.5:1 at least, where Mantine's own are less. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-dimmed': '#5b6470',
    '--mantine-color-placeholder': '#6b7480',
    '--mantine-color-error': '#c0262d',
    '--onhand-canvas': '#f5f7f8',
    '--onhand-line': '#e1e5e9',
    '--onhand-hover': '#f0f4f4',
    '--onhand-selected': '#e4f1ee',
    '--onhand-accent': '#0d6b5e',
    '--onhand-good': '#196b3c',
    '--onhand-warn': '#805000',
    '--onhand-bad': '#a82027',
  },
  dark: {
    '--mantine-color-body': '#151a21',
    '--mantine-color-dimmed': '#9aa4b0',
    '--mantine-color-placeholder': '#87919d',
    '--mantine-color-error': '#ff8b87',
    '--mantine-color-anchor': '#5fc2af',
    '--mantine-color-pine-light-color': '#5fc2af',
    '--onhand-canvas': '#0f1318',
    '--onhand-line': '#2a323c',
    '--onhand-hover': '#1b222a',
    '--onhand-selected': '#16302d',
    '--onhand-accent': '#5fc2af',
    '--onhand-good': '#63c98b',
    '--onhand-warn': '#e3b341',
    '--onhand-bad': '#ff8b87',
  },
});
