import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  build: {
    // What the SDK is written for, too.
    target: 'es2022',
    // Assets are files: the page's policy takes no data: but for images.
    assetsInlineLimit: 0,
    // Every browser of that target preloads modules by itself.
    modulePreload: { polyfill: false },
  },
  // In development beside a running server: `pnpm --filter @sotto/web dev`.
  server: { proxy: { '/v1': 'http://127.0.0.1:1337', '/trpc': 'http://127.0.0.1:1337' } },
})
