import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { Document, ServeDocument } from './static-responses.ts'

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}

/** A year, the longest that caches take. Names of assets have a hash of what is in them. */
const FOR_EVER = 'public, max-age=31536000, immutable'

/**
 * Where the pages of apps/web are, as their build has left them; undefined where nobody has built them. package.json
 * says where `#web` is: in the workspace its own package, in what is published a copy of it.
 */
export function webFolder(): string | undefined {
  try {
    return path.dirname(createRequire(import.meta.url).resolve('#web/index.html'))
  } catch {
    return undefined
  }
}

/** The scripts and styles of all pages. */
export function registerWebAssets(serve: ServeDocument, folder: string): void {
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

/** A page, under the policy that it lives with. */
export function webPage(folder: string, name: string, policy: string): Document {
  return {
    type: 'text/html',
    make: () => readFile(path.join(folder, name)),
    // Names this build's assets: an older one would ask for those that are gone.
    headers: { 'cache-control': 'no-store', 'content-security-policy': policy },
  }
}

/**
 * What a page may load and do: scripts and styles are the server's own, requests go to it alone, and no text becomes
 * markup or script by itself: trusted types refuse it, whatever the code does.
 *
 * @param media where images and the like may come from.
 */
export function contentSecurityPolicy(...media: string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    ...media,
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}
