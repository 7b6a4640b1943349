import type { Messages } from '../messages.ts';

export const logIn: Messages['logIn'] = {
  title: 'Anmelden',
  username: 'Benutzername',
  password: 'Passwort',
  submit: 'Anmelden',
  wrong: 'Der Benutzername oder das Passwort ist falsch.',
  demoTitle: 'Dies ist eine Demo',
  demoText: 'Ihre Daten sind erfunden und werden beim Beenden gelöscht. Wählen Sie, wer Sie sind:',
  demoAs: (organization) => `von ${organization}`,
  setUpTitle: 'onhand einrichten',
  setUpText:
    'Legen Sie den ersten Benutzer an. Er gehört zum Betreiber, der alle Organisationen verwaltet.',
  setUpOrganization: 'Name des Betreibers',
  setUpPasswordHint: 'Mindestens 12 Zeichen.',
  setUpSubmit: 'Betreiber anlegen',
  setUpNoSecret:
    'Dieser Link ist unvollständig. Kopieren Sie den ganzen Einrichtungslink, den der Server ausgegeben hat, mit allem nach dem #.',
};
