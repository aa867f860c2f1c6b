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

/** A year, the conventional maximum. File names of assets contain a hash of their content. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

/**
 * The folder with the built pages of apps/web; undefined if they were not built. package.json maps `#web` to the
 * workspace package, or to a copy of it in the published package.
 */
export function webFolder(): string | undefined {
  try {
    return path.dirname(createRequire(import.meta.url).resolve('#web/index.html'))
  } catch {
    return undefined
  }
}

/** Serves the scripts and styles of all pages. */
export function registerWebAssets(serve: ServeDocument, folder: string): void {
  for (const name of readdirSync(path.join(folder, 'assets'))) {
    const type = types[path.extname(name)]
    if (type === undefined) continue
    serve(`/assets/${name}`, {
      type,
      make: () => readFile(path.join(folder, 'assets', name)),
      headers: { 'cache-control': IMMUTABLE },
      isCompressed: true,
    })
  }
}

/** A page with its content security policy. */
export function webPage(folder: string, name: string, policy: string): Document {
  return {
    type: 'text/html',
    make: () => readFile(path.join(folder, name)),
    // Not cached, because an outdated page would request assets that no longer exist.
    headers: { 'cache-control': 'no-store', 'content-security-policy': policy },
  }
}

/**
 * The content security policy of a page: scripts, styles and requests are restricted to the server's own origin, and
 * trusted types prevent strings from becoming markup or script.
 *
 * @param media the directives for images and other media.
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
