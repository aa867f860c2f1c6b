import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import staticFiles from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { openApiDocument } from './openapi.ts'

const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js'] as const

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

/** `/openapi.json`, and `/docs`, a page that shows it. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  // Made when somebody asks: most servers' lives go by without it.
  let json: Buffer | undefined
  app.get('/openapi.json', async (_request, reply) => {
    // As bytes: encoding it again for each who asks would be work that anybody can order.
    json ??= Buffer.from(JSON.stringify(openApiDocument()))
    return reply.header('content-type', 'application/json; charset=utf-8').send(json)
  })
  app.get('/docs', async (_request, reply) =>
    reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .send(PAGE),
  )
  app.get('/docs/reference.js', async (_request, reply) =>
    reply.header('content-type', 'text/javascript; charset=utf-8').send(SCRIPT),
  )
  await app.register(staticFiles, { root: assetFolder(), serve: false })
  for (const asset of ASSETS) {
    app.get(`/docs/assets/${asset}`, async (_request, reply) => reply.sendFile(asset))
  }
}

/** package.json says where `#swagger-ui` is: in the workspace the package, in what is published a copy of it. */
function assetFolder(): string {
  return dirname(createRequire(import.meta.url).resolve(`#swagger-ui/${ASSETS[0]}`))
}
