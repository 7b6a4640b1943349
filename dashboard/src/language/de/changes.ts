import type { Messages } from '../messages.ts';

export const changes: Messages['changes'] = {
  live: 'Live',
  disconnected:
    'Der Server antwortet nicht. Verbindung wird wiederhergestellt; keine Änderung geht verloren.',
  paused: (waiting) => `Angehalten · ${waiting} warten`,
  pause: 'Anhalten',
  resume: 'Fortsetzen',
  filter: 'SKU, Strichcode oder Grund',
  onlyToZero: 'Nur was ausging',
  none: 'Warten auf Änderungen',
  noneHint: 'Jede Änderung erscheint hier, sobald sie gespeichert ist.',
  noneMatch: 'Keine Änderung passt zu den Filtern',
  entered: (supplier) => `Sie sind jetzt mit ${supplier} verbunden.`,
  left: (supplier) => `Sie sind nicht mehr mit ${supplier} verbunden.`,
};
