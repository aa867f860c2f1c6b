import type { ServeDocument } from './static-responses.ts'
import { contentSecurityPolicy, webPage } from './web-files.ts'

/** Where the client has pages. All of them are the same file, which finds out itself where it is. */
const PAGES = [
  '/',
  '/welcome',
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
 * Images and videos of other hosts are named in messages and shown once somebody has clicked on them: over https
 * alone, and without telling the other host where from.
 */
const POLICY = contentSecurityPolicy("img-src 'self' data: https:", 'media-src https:')

/** The web client at `/`. */
export function registerWebClient(serve: ServeDocument, folder: string): void {
  for (const page of PAGES) serve(page, webPage(folder, 'index.html', POLICY))
}
