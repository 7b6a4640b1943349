export const changes = {
  live: 'Live',
  disconnected: 'The server does not answer. Connecting again; no change is missed.',
  paused: (waiting: string) => `Paused · ${waiting} waiting`,
  pause: 'Pause',
  resume: 'Resume',
  filter: 'SKU, barcode or reason',
  onlyToZero: 'Only what ran out',
  none: 'Waiting for changes',
  noneHint: 'Each change appears here as soon as it is stored.',
  noneMatch: 'No change matches the filters',
  entered: (supplier: string) => `You are now connected to ${supplier}.`,
  left: (supplier: string) => `You are no longer connected to ${supplier}.`,
};
