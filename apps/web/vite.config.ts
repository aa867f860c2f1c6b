import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  build: {
    // The same as the SDK's.
    target: 'es2022',
    // The client, and the API reference at /docs.
    rolldownOptions: { input: ['index.html', 'docs.html'] },
    // The Content-Security-Policy only allows data: URLs for images.
    assetsInlineLimit: 0,
    // All browsers of this target support modulepreload.
    modulePreload: { polyfill: false },
  },
  // `pnpm dev`: Vite serves the pages and proxies API requests to the server. It keeps the Host header (no
  // changeOrigin), so that requests are same-origin for the server and the session cookie works.
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/trpc', '/openapi.json', '/healthz', '/readyz'].map((path) => [
        path,
        { target: `http://127.0.0.1:${process.env.PORT || 1337}`, ws: path === '/trpc' },
      ]),
    ),
  },
})
