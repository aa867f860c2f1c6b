import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Document, ServeDocument } from './documents.ts'
import { openApiDocument } from './openapi.ts'

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sotto: HTTP reference</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/reference.js"></script>
</body>
</html>
`

const SCRIPT = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: true,
})
`

/** Nothing is loaded from elsewhere, and the browser is told to hold us to it. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const documents: Readonly<Record<string, Document>> = {
  '/openapi.json': { type: 'application/json', make: () => Buffer.from(JSON.stringify(openApiDocument())) },
  '/docs': {
    type: 'text/html',
    make: () => Buffer.from(PAGE),
    headers: { 'content-security-policy': CONTENT_SECURITY_POLICY },
  },
  '/docs/reference.js': { type: 'text/javascript', make: () => Buffer.from(SCRIPT) },
  '/docs/assets/swagger-ui.css': { type: 'text/css', make: () => readAsset('swagger-ui.css') },
  '/docs/assets/swagger-ui-bundle.js': {
    type: 'text/javascript',
    make: () => readAsset('swagger-ui-bundle.js'),
  },
}

/** `/openapi.json`, and `/docs`, a page that shows it. */
export function registerDocs(serve: ServeDocument): void {
  for (const [path, document] of Object.entries(documents)) serve(path, document)
}

/** package.json says where `#swagger-ui` is: in the workspace the package, in what is published a copy of it. */
function readAsset(name: string): Promise<Buffer> {
  return readFile(createRequire(import.meta.url).resolve(`#swagger-ui/${name}`))
}
