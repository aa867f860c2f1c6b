import type { ServeDocument } from './static-responses.ts'
import { contentSecurityPolicy, webPage } from './web-files.ts'

/** The paths of the client's pages. All serve the same file, which does its own routing. */
const PAGES = [
  '/',
  '/welcome',
  '/sign-up',
  '/reset',
  '/with/:user',
  '/groups/:conversationId',
  '/people',
  '/settings',
  '/console',
  '/console/:section',
  '/console/:section/:subject',
]

/**
 * Messages can link to images and videos on other hosts, which the client loads when the user clicks on them: only over
 * https, and without a referrer.
 */
const POLICY = contentSecurityPolicy("img-src 'self' data: https:", 'media-src https:')

/** Serves the web client at `/`. */
export function registerWebClient(serve: ServeDocument, folder: string): void {
  for (const page of PAGES) serve(page, webPage(folder, 'index.html', POLICY))
}
