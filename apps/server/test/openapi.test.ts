import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { errorCatalogue } from '@sotto/contract'
import { createTestServer, type TestServer } from '@sotto/testing'
import { operations } from '@sotto/testing/internal'
import spectralCore, { type RulesetDefinition } from '@stoplight/spectral-core'
import { oas } from '@stoplight/spectral-rulesets'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// A CommonJS module.
const { Spectral } = spectralCore

interface Content {
  [type: string]: { schema: object; example?: unknown }
}
interface OperationObject {
  operationId: string
  summary: string
  parameters: { name: string; in: string; required?: boolean; schema: object; example?: unknown }[]
  requestBody?: { required: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
}
interface Schema {
  $ref?: string
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  const?: string
  discriminator?: { propertyName: string; mapping: Record<string, string> }
}
interface OpenApi {
  tags: { name: string; description?: string }[]
  webhooks: Record<string, Record<string, OperationObject>>
  components: { schemas: Record<string, Schema> }
  paths: Record<string, Record<string, OperationObject>>
}

let server: TestServer
let document: OpenApi
beforeAll(async () => {
  server = await createTestServer()
  const response = await server.fetch('/openapi.json')
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  document = (await response.json()) as OpenApi
})
afterAll(() => server[Symbol.asyncDispose]())

/** Validates the value against the schema at `place` in the document. Returns the errors, or null if it is valid. */
function validate(place: string[], value: unknown): unknown {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  // Not in the library. Whether an address is valid is tested with the users.
  ajv.addFormat('idn-email', true)
  ajv.addSchema(document, 'openapi.json')
  const pointer = place
    .map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/')
  const check = ajv.compile({ $ref: `openapi.json#/${pointer}` })
  check(value)
  return check.errors
}

describe('/openapi.json', () => {
  test('is an OpenAPI 3.1 document', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone({ ...document }))
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
    expect(validator.version).toBe('3.1')
  })

  test('has exactly the operations of the contract', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`,
      ),
    )
    const expected = operations.map(({ name, entry }) => `${name} ${entry.http.method} ${entry.http.path}`)
    expect(described.toSorted()).toEqual(expected.toSorted())
  })

  test('has no dangling references', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, target = '']) => target,
    )
    expect(references.length).toBeGreaterThan(10)
    for (const target of references) {
      const found = target
        .replace(/^#\//, '')
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document)
      expect(found, target).toBeTypeOf('object')
    }
    expect(JSON.stringify(document)).not.toMatch(/\$defs|__shared/)
  })

  describe.each(operations)('$name', ({ entry, pathFields, fields }) => {
    const method = entry.http.method.toLowerCase()
    const { path, status, repeatedStatus } = entry.http
    const operation = () => document.paths[path]?.[method] as OperationObject

    test('has examples of its input and output that match their schemas', () => {
      const { parameters, requestBody, responses } = operation()
      const shown: Record<string, unknown> = {}
      for (const [index, parameter] of parameters.entries()) {
        if (parameter.example === undefined) {
          expect(parameter.required ?? false, parameter.name).toBe(false)
          continue
        }
        shown[parameter.name] = parameter.example
        const place = ['paths', path, method, 'parameters', String(index), 'schema']
        expect(validate(place, parameter.example), parameter.name).toBeNull()
      }
      if (requestBody) {
        const place = ['paths', path, method, 'requestBody', 'content', 'application/json', 'schema']
        const { example } = requestBody.content['application/json'] ?? {}
        expect(validate(place, example)).toBeNull()
        Object.assign(shown, example)
      }
      expect(shown).toEqual(JSON.parse(JSON.stringify(entry.example.input)))

      for (const success of [status, repeatedStatus]) {
        if (success === undefined) continue
        const answer = responses[success]
        if (success === 204) {
          expect(answer).toEqual({ description: expect.any(String) })
          continue
        }
        if (entry.kind === 'subscription') {
          // Not JSON, but lines with one event as JSON.
          const stream = answer?.content?.['text/event-stream']
          expect(Object.keys(answer?.content ?? {})).toEqual(['text/event-stream'])
          const [, data = ''] = /^data: (.*)$/m.exec(String(stream?.example)) ?? []
          expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(entry.example.output)))
          expect(validate(['components', 'schemas', 'Event'], JSON.parse(data))).toBeNull()
          continue
        }
        const place = [
          'paths',
          path,
          method,
          'responses',
          String(success),
          'content',
          'application/json',
          'schema',
        ]
        const example = answer?.content?.['application/json']?.example
        expect(example).toBeDefined()
        expect(validate(place, example)).toBeNull()
      }
    })

    test('lists every input field and rejects unknown ones', () => {
      const { parameters, requestBody } = operation()
      const inBody = requestBody?.content['application/json']?.schema as { properties: object } | undefined
      const listed = [
        ...parameters.filter((parameter) => parameter.in !== 'header').map(({ name }) => name),
        ...Object.keys(inBody?.properties ?? {}),
      ]
      expect(listed.toSorted()).toEqual(Object.keys(fields).toSorted())
      for (const parameter of parameters)
        expect(parameter.in === 'path').toBe(pathFields.includes(parameter.name))
      if (requestBody) {
        const place = ['paths', path, method, 'requestBody', 'content', 'application/json', 'schema']
        const { example } = requestBody.content['application/json'] ?? {}
        expect(validate(place, { ...(example as object), surprise: 1 })).not.toBeNull()
      }
    })

    test('requires a body if it rejects calls without one', () => {
      const { requestBody } = operation()
      if (!requestBody) return
      const inPath = pathFields.map((name) => [name, (entry.example.input as Record<string, unknown>)[name]])
      expect(requestBody.required).toBe(!entry.input.safeParse(Object.fromEntries(inPath)).success)
    })

    test('lists every error of its entry under its status', () => {
      const { responses } = operation()
      const codes = [
        ...entry.errors,
        'INVALID_INPUT',
        'UNAUTHENTICATED',
        'RATE_LIMITED',
        'INTERNAL',
        'UNAVAILABLE',
      ] as const
      // Act-As can name an unknown user. Act-As and Expected-User can name a user other than the token's.
      const ofHeaders = ['USER_NOT_FOUND', 'FORBIDDEN', 'USER_MISMATCH'] as const
      for (const code of entry.access === 'anyone' ? codes : [...codes, ...ofHeaders]) {
        const response = responses[errorCatalogue[code].status]
        expect(response?.description).toContain(code)
        expect(response?.content?.['application/problem+json']?.schema).toEqual({
          $ref: '#/components/schemas/Problem',
        })
      }
    })
  })

  test('names the schemas of pages', () => {
    for (const { name, entry } of operations) {
      const operation = document.paths[entry.http.path]?.[entry.http.method.toLowerCase()]
      const schema = operation?.responses[entry.http.status]?.content?.['application/json']?.schema as Schema
      const isPage = schema && JSON.stringify(schema).includes('nextCursor')
      expect(isPage ?? false, name).toBe(false)
    }
    expect(document.components.schemas).toHaveProperty('MessagePage')
  })

  test.each([
    ['Event', ['message.created', 'typing.started', 'resync'], '#/components/schemas/MessageCreatedEvent'],
    ['WebhookEvent', ['message.created', 'webhook.test'], '#/components/schemas/MessageCreatedWebhookEvent'],
  ])('names each kind of %s, with a discriminator', (name, types, created) => {
    const { oneOf = [], discriminator } = document.components.schemas[name] ?? {}
    expect(discriminator?.propertyName).toBe('type')
    const mapping = discriminator?.mapping ?? {}
    expect(Object.keys(mapping)).toEqual(expect.arrayContaining(types))
    expect(mapping['message.created']).toBe(created)
    expect(oneOf.map(({ $ref }) => $ref)).toEqual(Object.values(mapping))
    for (const [type, target] of Object.entries(mapping)) {
      const schema = document.components.schemas[target.split('/').at(-1) ?? '']
      expect(schema?.properties?.type?.const).toBe(type)
    }
  })

  test('describes the request to webhooks', () => {
    const { requestBody } = document.webhooks.event?.post ?? {}
    expect(requestBody?.content['application/json']?.schema).toEqual({
      $ref: '#/components/schemas/WebhookEvent',
    })
    const place = ['components', 'schemas', 'WebhookEvent']
    const timestamp = '2026-01-31T12:00:00.000Z'
    const webhookId = operations.find(({ name }) => name === 'webhooks.get')?.entry.example.input
    expect(validate(place, { type: 'webhook.test', timestamp, data: webhookId })).toBeNull()
    const contact = {
      id: '1',
      type: 'contact.updated',
      conversationId: null,
      at: timestamp,
      userId: '019b2d5e-3b7a-7c00-8000-000000000001',
      state: 'none',
    }
    const payload = (data: object) => ({ type: 'contact.updated', timestamp, data })
    expect(validate(place, payload({ ...contact, ownerId: contact.userId }))).toBeNull()
    expect(validate(place, payload(contact))).not.toBeNull()
  })

  test('describes every tag', () => {
    const used = new Set(operations.map(({ name }) => name.split('.')[0]))
    expect(document.tags.map(({ name }) => name)).toEqual([...used])
    for (const { name, description } of document.tags) expect(description, name).toMatch(/\S/)
  })

  test('gives Spectral nothing to report', async () => {
    const spectral = new Spectral()
    // The types of the two packages differ.
    spectral.setRuleset({ extends: [[oas as unknown as RulesetDefinition, 'recommended']] })
    const results = await spectral.run(JSON.stringify(document))
    expect(results.map(({ code, path, message }) => `${code} ${path.join('.')} ${message}`)).toEqual([])
  }, 60_000)

  test('gives Redocly nothing to report', async () => {
    const config = await createConfig({ extends: ['recommended'] })
    const problems = await lintFromString({
      source: JSON.stringify(document),
      absoluteRef: '/openapi.json',
      config,
    })
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual(
      [],
    )
  }, 60_000)

  test('describes actual error responses', async () => {
    const response = await server.fetch('/v1/users?limit=0', {
      headers: { authorization: `Bearer ${server.serviceKey}` },
    })
    expect(validate(['components', 'schemas', 'Problem'], await response.json())).toBeNull()
  })
})

test('/docs allows no content from other origins', async () => {
  const policy = (await server.fetch('/docs')).headers.get('content-security-policy') ?? ''
  expect(policy).toMatch(/default-src 'none'/)
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval/)
  expect(policy).not.toMatch(/script-src[^;]*unsafe-inline/)
})
