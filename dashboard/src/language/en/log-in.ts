export const logIn = {
  title: 'Log in',
  username: 'Username',
  password: 'Password',
  submit: 'Log in',
  wrong: 'The username or the password is wrong.',
  demoTitle: 'This is a demo',
  demoText: 'Its data is made up and is deleted when it stops. Choose who you are:',
  demoAs: (organization: string) => `of ${organization}`,
  setUpTitle: 'Set up onhand',
  setUpText: 'Create the first user. It belongs to the operator, who manages all organizations.',
  setUpOrganization: 'Name of the operator',
  setUpPasswordHint: 'At least 12 characters.',
  setUpSubmit: 'Create the operator',
  setUpNoSecret:
    'This link is incomplete. Copy the whole set-up link that the server printed, with everything after the #.',
};
