import type { Messages } from '../messages.ts';

export const webhooks: Messages['webhooks'] = {
  subtitle: 'Änderungen werden sofort an diese Adressen gesendet',
  create: 'Webhook anlegen',
  noneTitle: 'Noch keine Webhooks',
  noneText: 'Legen Sie einen an, damit jede Änderung an eine Ihrer Adressen gesendet wird.',
  url: 'URL',
  urlHint: 'Beginnt mit https:// und antwortet 2xx, sobald sie eine Nachricht gespeichert hat.',
  description: 'Beschreibung (freiwillig)',
  state: 'Zustand',
  created: 'Angelegt',
  active: 'Aktiv',
  paused: 'Angehalten',
  secret:
    'Dieses Geheimnis unterschreibt die Nachrichten. Ihr Empfänger braucht es, um sie zu prüfen.',
  test: 'Test senden',
  pause: 'Anhalten',
  resume: 'Fortsetzen',
  rotate: 'Geheimnis wechseln',
  rotateWill:
    'Ein neues Geheimnis wird erzeugt. 24 Stunden lang werden Nachrichten mit beiden unterschrieben, damit Ihr Empfänger umstellen kann. Danach ist das alte wertlos.',
  delete: 'Webhook löschen',
  deleteWill: (url) =>
    `An ${url} wird nichts mehr gesendet. Wenn Sie ihn nur anhalten, behält er seine Stelle und macht später dort weiter. Ein gelöschter Webhook lässt sich nicht wiederherstellen.`,
  attempts: 'Letzte Versuche',
  noAttempts: 'Noch keine Versuche',
  noAttemptsText: 'Senden Sie einen Test, oder warten Sie auf die nächste Änderung.',
  when: 'Wann',
  result: 'Ergebnis',
  delivered: 'Zugestellt',
  failed: 'Gescheitert',
  duration: 'Dauer',
  milliseconds: (count) => `${count} ms`,
  message: 'Nachricht',
  response: 'Antwort',
  retries:
    'Eine gescheiterte Nachricht wird nach 5 s, 20 s, 80 s und so weiter erneut gesendet, 72 Stunden lang. Dann wird der Webhook angehalten; verloren geht nichts.',
};

export const secret: Messages['secret'] = {
  once: 'Es wird nur jetzt angezeigt.',
  copy: 'Kopieren',
  copied: 'Kopiert',
};
