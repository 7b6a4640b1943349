import type { Messages } from '../messages.ts';

export const frame: Messages['frame'] = {
  skipToContent: 'Zum Inhalt springen',
  navigation: 'Hauptnavigation',
  openNavigation: 'Navigation öffnen',
  search: 'Suchen …',
  searchPlaceholder: 'Eine SKU, ein Strichcode oder eine Ansicht',
  searchNothing: 'Nichts gefunden.',
  searchScreens: 'Gehe zu',
  searchActions: 'Aktionen',
  searchSkus: 'SKUs',
  findSkus: (text) => `SKUs suchen, die zu „${text}“ passen`,
  account: 'Konto',
  theme: 'Darstellung',
  themeLight: 'Hell',
  themeDark: 'Dunkel',
  themeAuto: 'System',
  language: 'Sprache',
  documentation: 'API-Dokumentation',
  logOut: 'Abmelden',
  types: { supplier: 'Lieferant', retailer: 'Händler', operator: 'Betreiber' },
  screens: {
    overview: 'Übersicht',
    skus: 'SKUs',
    changes: 'Änderungen',
  },
};
