export const overview = {
  freshness: 'Suppliers',
  noSuppliers: 'You are not connected to any supplier yet.',
  supplier: 'Supplier',
  state: 'State',
  lastHeard: 'Last reported',
  expected: 'Expected',
  every: (interval: string) => `every ${interval}`,
  skus: 'SKUs',
  showSkus: 'Show them',
  ages: 'Last confirmed',
  age: {
    hour: 'within an hour',
    day: 'within a day',
    week: 'within a week',
    older: 'longer ago',
  },
  never: 'never',
  silent: 'Silent',
  late: 'Late',
  lateTitle: (count: number) =>
    count === 1 ? 'One supplier is late' : `${count} suppliers are late`,
  onTime: 'On time',
  youAreLate: 'Your stock is overdue',
  youAreLateHint: (minutes: number) =>
    `Retailers expect a report every ${minutes} minutes. Send a file or an update.`,
  confirmed: (share: string) => `${share} confirmed within a day`,
  linesToday: 'Lines today',
  changedToday: 'Changed today',
  changedHint: 'lines that made a difference',
  failedToday: 'Failed today',
  failedHint: 'lines that were not applied',
  noFailures: 'every line was applied',
  latestBatches: 'Latest batches',
  hours: 'Last 24 hours',
  hoursLabel: (lines: string, failed: string) =>
    `Lines in each of the last 24 hours: ${lines} in all, of which ${failed} failed`,
  linesOf: (lines: string) => `${lines} lines`,
  failedOf: (lines: string) => `${lines} failed`,
};

/** What someone should look at. */
export const attention = {
  title: 'Needs attention',
  nothing: 'Nothing needs attention.',
  more: (count: number) => `and ${count} more`,
  counted: (name: string, count: number) => `${name} (${count})`,
  heldFiles: (count: number) =>
    count === 1 ? 'One file waits for your answer' : `${count} files wait for an answer`,
  pausedWebhooks: (count: number) =>
    count === 1 ? 'One webhook is paused' : `${count} webhooks are paused`,
  expiringTokens: (count: number) =>
    count === 1
      ? 'One API token expires within a week'
      : `${count} API tokens expire within a week`,
};

/** The operator's overview. */
export const operator = {
  speed: 'Lines per second',
  speedHint: 'over the last minute',
  changed: (lines: string) => `${lines} made a difference`,
  share: (share: string) => `${share} of all lines`,
  waiting: 'Lines waiting',
  waitingFiles: (files: string) => `${files} files in the queue`,
  disk: 'Disk free',
  stored: (size: string) => `${size} of stored files`,
  server: 'Server',
  version: 'Version',
  database: 'Database',
  started: 'Started',
  suppliers: 'Suppliers',
  retailers: 'Retailers',
  disabled: 'Disabled',
  organizations: 'Organizations',
  notReady: 'The database cannot be read or written',
};
