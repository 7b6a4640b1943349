/** Outlines on a grid of 24; drawn here, so that no icon package is loaded. */
const OUTLINES = {
  overview: 'M4 4h7v8H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 14h7v6H4z',
  box: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5',
  pulse: 'M3 12h4l3 8 4-16 3 8h4',
  upload: 'M4 16v3a1 1 0 001 1h14a1 1 0 001-1v-3M12 15V4M7.5 8.5L12 4l4.5 4.5',
  download: 'M4 16v3a1 1 0 001 1h14a1 1 0 001-1v-3M12 4v11M7.5 10.5L12 15l4.5-4.5',
  file: 'M14 3v5h5M7 3h7l5 5v12a1 1 0 01-1 1H7a1 1 0 01-1-1V4a1 1 0 011-1z',
  layers: 'M12 4l9 5-9 5-9-5zM3 14l9 5 9-5',
  flask: 'M9 3h6M10 3v6L5 19a1 1 0 001 2h12a1 1 0 001-2L14 9V3M7.5 15h9',
  webhook:
    'M8 8a4 4 0 117 2.6l3 5.4M12 10l-3.5 6M7 13.2A4 4 0 106.5 21a4 4 0 004-4H16M15.5 20a3 3 0 100-6',
  key: 'M15 9a5 5 0 11-3.6-4.8M11 12l9 9M17 18l2-2',
  users:
    'M9 11a4 4 0 100-8 4 4 0 000 8zM2 21v-1a6 6 0 0112 0v1M16 3.5a4 4 0 010 7M18 14.5a6 6 0 014 5.5v1',
  search: 'M10.5 17a6.5 6.5 0 100-13 6.5 6.5 0 000 13zM15.5 15.5L20 20',
  sun: 'M12 16a4 4 0 100-8 4 4 0 000 8zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 1M17.4 17.4l1 1M5.6 18.4l1-1M17.4 6.6l1-1',
  moon: 'M20 14.5A8 8 0 119.5 4a6.5 6.5 0 0010.5 10.5z',
  logOut:
    'M14 8V5a1 1 0 00-1-1H5a1 1 0 00-1 1v14a1 1 0 001 1h8a1 1 0 001-1v-3M9 12h12M17.5 8.5L21 12l-3.5 3.5',
  warning: 'M12 4l9 16H3zM12 10v4M12 17v.01',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 017 0v3',
  chevronRight: 'M9 6l6 6-6 6',
  chevronDown: 'M6 9l6 6 6-6',
  chevronUp: 'M6 15l6-6 6 6',
  columns: 'M4 4h16v16H4zM9.5 4v16M14.5 4v16',
  filter: 'M4 5h16l-6 8v6l-4-2v-4z',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.5v15L19 12z',
  undo: 'M9 14L4 9l5-5M4 9h10a6 6 0 010 12h-3',
  clock: 'M12 21a9 9 0 100-18 9 9 0 000 18zM12 7v5l3.5 2',
  book: 'M12 6c-2-1.5-5-2-8-2v14c3 0 6 .5 8 2 2-1.5 5-2 8-2V4c-3 0-6 .5-8 2zM12 6v14',
  external: 'M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 01-1 1H5a1 1 0 01-1-1V7a1 1 0 011-1h5',
  plus: 'M12 5v14M5 12h14',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  pencil: 'M4 20l1-5L16 4l4 4L9 19zM14 6l4 4',
  server: 'M4 4h16v7H4zM4 13h16v7H4zM8 7.5v.01M8 16.5v.01',
} as const;

export type IconName = keyof typeof OUTLINES;

/** Decoration only: what it means is in the text beside it. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={OUTLINES[name]} />
    </svg>
  );
}
