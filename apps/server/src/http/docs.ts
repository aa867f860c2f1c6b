import { openApiDocument } from './openapi.ts'
import type { ServeDocument } from './static-responses.ts'
import { contentSecurityPolicy, webPage } from './web-files.ts'

const POLICY = contentSecurityPolicy("img-src 'self'")

const NOT_BUILT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Sotto: HTTP reference</title>
</head>
<body>
<p>The reference has not been built: run <code>pnpm start</code> to build it. <a href="/openapi.json">openapi.json</a>
contains the same information.</p>
</body>
</html>
`

/**
 * Serves `/openapi.json` and `/docs`, an interactive page for it.
 *
 * @param folder the folder of the page; undefined if it was not built.
 */
export function registerDocs(serve: ServeDocument, folder: string | undefined): void {
  serve('/openapi.json', {
    type: 'application/json',
    make: () => Buffer.from(JSON.stringify(openApiDocument())),
    isCompressed: true,
  })
  const notBuilt = {
    type: 'text/html',
    make: () => Buffer.from(NOT_BUILT),
    headers: { 'content-security-policy': POLICY },
  }
  serve('/docs', folder === undefined ? notBuilt : webPage(folder, 'docs.html', POLICY))
}
