import type { Messages } from '../messages.ts';

export const states: Messages['states'] = {
  loading: 'Wird geladen …',
  retry: 'Erneut versuchen',
  cancel: 'Abbrechen',
  close: 'Schließen',
  none: 'keine',
  unknown: 'unbekannt',
  failedTitle: 'Das hat nicht geklappt',
  disconnectedTitle: 'Der Server antwortet nicht',
  disconnectedText: 'Prüfen Sie Ihre Verbindung. Nichts, was Sie hier sehen, geht verloren.',
  notFoundTitle: 'Hier ist nichts',
  notFoundText: 'Die Adresse ist falsch, oder was sie zeigte, gibt es nicht mehr.',
  noPermissionTitle: 'Das dürfen Sie nicht sehen',
  noPermissionText: (username) =>
    `Dem Benutzer ${username} fehlt die Berechtigung. Fragen Sie, wer die Zugänge Ihrer Organisation verwaltet.`,
  toOverview: 'Zur Übersicht',
  request: (id) => `Anfrage ${id}`,
};
