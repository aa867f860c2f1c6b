import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  build: {
    // What the SDK is written for, too.
    target: 'es2022',
    // The client, and the reference at /docs.
    rolldownOptions: { input: ['index.html', 'docs.html'] },
    // Assets are files: the page's policy takes no data: but for images.
    assetsInlineLimit: 0,
    // Every browser of that target preloads modules by itself.
    modulePreload: { polyfill: false },
  },
  // In development beside a running server: `pnpm --filter @sotto/web dev`.
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/trpc', '/openapi.json'].map((path) => [path, 'http://127.0.0.1:1337']),
    ),
  },
})
