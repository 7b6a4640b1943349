import type { Messages } from '../messages.ts';

export const overview: Messages['overview'] = {
  freshness: 'Lieferanten',
  noSuppliers: 'Sie sind noch mit keinem Lieferanten verbunden.',
  supplier: 'Lieferant',
  state: 'Zustand',
  lastHeard: 'Zuletzt gemeldet',
  expected: 'Erwartet',
  every: (interval) => `alle ${interval}`,
  skus: 'SKUs',
  showSkus: 'Anzeigen',
  ages: 'Zuletzt bestätigt',
  age: {
    hour: 'in der letzten Stunde',
    day: 'am letzten Tag',
    week: 'in der letzten Woche',
    older: 'länger her',
  },
  never: 'nie',
  silent: 'Stumm',
  late: 'Verspätet',
  lateTitle: (count) =>
    count === 1 ? 'Ein Lieferant ist verspätet' : `${count} Lieferanten sind verspätet`,
  onTime: 'Pünktlich',
  youAreLate: 'Ihre Bestände sind überfällig',
  youAreLateHint: (minutes) =>
    `Händler erwarten alle ${minutes} Minuten eine Meldung. Senden Sie eine Datei oder eine Aktualisierung.`,
  confirmed: (share) => `${share} am letzten Tag bestätigt`,
  linesToday: 'Zeilen heute',
  changedToday: 'Geändert heute',
  changedHint: 'Zeilen, die etwas bewirkten',
  failedToday: 'Fehler heute',
  failedHint: 'Zeilen, die nicht übernommen wurden',
  noFailures: 'alle Zeilen wurden übernommen',
  latestBatches: 'Letzte Stapel',
  hours: 'Letzte 24 Stunden',
  hoursLabel: (lines, failed) =>
    `Zeilen in jeder der letzten 24 Stunden: insgesamt ${lines}, davon ${failed} mit Fehler`,
  linesOf: (lines) => `${lines} Zeilen`,
  failedOf: (lines) => `${lines} mit Fehler`,
};

export const attention: Messages['attention'] = {
  title: 'Braucht Aufmerksamkeit',
  nothing: 'Nichts braucht Aufmerksamkeit.',
  more: (count) => `und ${count} weitere`,
  counted: (name, count) => `${name} (${count})`,
  heldFiles: (count) =>
    count === 1 ? 'Eine Datei wartet auf Ihre Antwort' : `${count} Dateien warten auf eine Antwort`,
  pausedWebhooks: (count) =>
    count === 1 ? 'Ein Webhook ist angehalten' : `${count} Webhooks sind angehalten`,
  expiringTokens: (count) =>
    count === 1
      ? 'Ein API-Token läuft binnen einer Woche ab'
      : `${count} API-Token laufen binnen einer Woche ab`,
};

export const operator: Messages['operator'] = {
  speed: 'Zeilen pro Sekunde',
  speedHint: 'in der letzten Minute',
  changed: (lines) => `${lines} bewirkten etwas`,
  share: (share) => `${share} aller Zeilen`,
  waiting: 'Wartende Zeilen',
  waitingFiles: (files) => `${files} Dateien in der Warteschlange`,
  disk: 'Freier Speicher',
  stored: (size) => `${size} gespeicherte Dateien`,
  server: 'Server',
  version: 'Version',
  database: 'Datenbank',
  started: 'Gestartet',
  suppliers: 'Lieferanten',
  retailers: 'Händler',
  disabled: 'Deaktiviert',
  organizations: 'Organisationen',
  notReady: 'Die Datenbank kann nicht gelesen oder geschrieben werden',
};
