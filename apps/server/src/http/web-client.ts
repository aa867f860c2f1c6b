import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { ServeDocument } from './documents.ts'

/** Where the client has pages. All of them are the same file, which finds out itself where it is. */
const PAGES = [
  '/',
  '/sign-up',
  '/with/:user',
  '/groups/:conversationId',
  '/people',
  '/settings',
  '/console',
  '/console/:section',
  '/console/:section/:subject',
]

/**
 * Scripts and styles are the server's own. Images and videos of other hosts are named in messages and shown once
 * somebody has clicked on them: over https alone, and without telling the other host where from. No text becomes
 * markup or script by itself: trusted types refuse it, whatever the code does.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: https:",
  'media-src https:',
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}

/** A year, the longest that caches take. Names of assets have a hash of what is in them. */
const FOR_EVER = 'public, max-age=31536000, immutable'

/** The web client at `/`, if it was built. */
export function registerWebClient(serve: ServeDocument): void {
  const folder = clientFolder()
  if (folder === undefined) return
  for (const page of PAGES) {
    serve(page, {
      type: 'text/html',
      make: () => readFile(path.join(folder, 'index.html')),
      // Names this build's assets: an older one would ask for those that are gone.
      headers: { 'cache-control': 'no-store', 'content-security-policy': CONTENT_SECURITY_POLICY },
    })
  }
  for (const name of readdirSync(path.join(folder, 'assets'))) {
    const type = types[path.extname(name)]
    if (type === undefined) continue
    serve(`/assets/${name}`, {
      type,
      make: () => readFile(path.join(folder, 'assets', name)),
      headers: { 'cache-control': FOR_EVER },
      isCompressed: true,
    })
  }
}

/** package.json says where `#web` is: in the workspace its own package, in what is published a copy of it. */
function clientFolder(): string | undefined {
  try {
    return path.dirname(createRequire(import.meta.url).resolve('#web/index.html'))
  } catch {
    return undefined
  }
}
