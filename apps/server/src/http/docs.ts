import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
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

/** What is there for anybody, and the same for everybody. */
interface Document {
  type: string
  make: () => Promise<Buffer> | Buffer
}

const documents: Readonly<Record<string, Document>> = {
  '/openapi.json': { type: 'application/json', make: () => Buffer.from(JSON.stringify(openApiDocument())) },
  '/docs': { type: 'text/html', make: () => Buffer.from(PAGE) },
  '/docs/reference.js': { type: 'text/javascript', make: () => Buffer.from(SCRIPT) },
  '/docs/assets/swagger-ui.css': { type: 'text/css', make: () => readAsset('swagger-ui.css') },
  '/docs/assets/swagger-ui-bundle.js': {
    type: 'text/javascript',
    make: () => readAsset('swagger-ui-bundle.js'),
  },
}

/**
 * `/openapi.json`, and `/docs`, a page that shows it.
 *
 * All who ask for one are sent the same bytes, which are held once, however many do not read them.
 *
 * @param begin counts the call while it is under way.
 */
export function registerDocs(
  app: FastifyInstance,
  begin: (request: FastifyRequest, reply: FastifyReply) => void,
): void {
  for (const [path, { type, make }] of Object.entries(documents)) {
    // Made when somebody asks: most servers' lives go by without it.
    let made: Promise<{ body: Buffer; etag: string }> | undefined
    app.get(path, async (request, reply) => {
      begin(request, reply)
      // All that came together is counted before the first answer leaves. Thousands at once would otherwise be sent one
      // after the other, and everybody else wait for as long.
      await nextTurn()
      made ??= withTag(make)
      const { body, etag } = await made
      reply.header('etag', etag).header('cache-control', 'no-cache')
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      if (type === 'text/html') reply.header('content-security-policy', CONTENT_SECURITY_POLICY)
      return reply.header('content-type', `${type}; charset=utf-8`).send(body)
    })
  }
}

async function withTag(make: Document['make']): Promise<{ body: Buffer; etag: string }> {
  const body = await make()
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` }
}

/** package.json says where `#swagger-ui` is: in the workspace the package, in what is published a copy of it. */
function readAsset(name: string): Promise<Buffer> {
  return readFile(createRequire(import.meta.url).resolve(`#swagger-ui/${name}`))
}
