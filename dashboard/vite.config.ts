import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The server of `npm run dev`: an onhand that runs beside it. */
const DEVELOPMENT_SERVER = 'http://127.0.0.1:8080';

/** What most screens have. */
const PARTS = /dashboard\/src\/|@mantine\/core\/esm\/components\/(?:ScrollArea|Table)\//;
/** What most forms and filters have. */
const FIELDS =
  /@mantine\/core\/esm\/components\/(?:Checkbox|Combobox|InlineInput|InputBase|Select|TextInput)\//;

export default defineConfig({
  // Relative to `<base href>`, which the server fills in: the dashboard may be served below a path.
  base: './',
  // The server replaces both placeholders in every reply (see index.html).
  html: { cspNonce: '__CSP_NONCE__' },
  plugins: [
    react(),
    {
      name: 'base-path-of-development',
      apply: 'serve',
      transformIndexHtml: (html) => html.replaceAll('__BASE_PATH__', '/'),
    },
  ],
  server: { proxy: { '/timp': DEVELOPMENT_SERVER } },
  build: {
    target: 'es2023',
    // The CSP has no data: for scripts and fonts, and an icon file is cached.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // Each file costs a browser a request: without these, a screen would need thirty.
          groups: [
            { name: 'base', tags: ['$initial'] },
            { name: 'parts', test: PARTS, minShareCount: 4 },
            { name: 'fields', test: FIELDS, minShareCount: 2 },
          ],
        },
      },
    },
    // The test of the budget measures compressed files.
    chunkSizeWarningLimit: 1000,
  },
});
