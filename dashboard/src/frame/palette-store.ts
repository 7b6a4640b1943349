import { createSpotlight } from '@mantine/spotlight';

/** The command palette's state: it opens by Ctrl-K or from the navigation. */
export const [paletteStore, palette] = createSpotlight();

export function openPalette(): void {
  palette.open();
}
