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
  // `pnpm dev`: pages come from Vite, answers from the server behind it. It keeps the Host header (no changeOrigin), so
  // that pages are of the server's own origin and may use the session cookie.
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/trpc', '/openapi.json', '/healthz', '/readyz'].map((path) => [
        path,
        { target: `http://127.0.0.1:${process.env.PORT || 1337}`, ws: path === '/trpc' },
      ]),
    ),
  },
})
