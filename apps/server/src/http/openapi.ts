import {
  type Contract,
  defaultMaxTextLength,
  type ErrorCode,
  errorCatalogue,
  eventSchema,
  type Procedure,
} from '@sotto/contract'
import { isStream } from '../app/operations.ts'
import { describeEvents, webhookPaths } from './openapi-events.ts'
import { type Route, routes, toJsonSchema } from './routes.ts'

type Json = Record<string, unknown>

const tagDescriptions: Record<keyof Contract, string> = {
  users: 'People who can send and receive messages.',
  sessions: 'Signing in and out.',
  passwords: 'Setting and resetting passwords.',
  totp: 'Two-factor authentication with time-based codes.',
  invitations: 'Tokens with which new users sign up.',
  messages: 'Sending, reading, changing and reacting to messages.',
  conversations: 'Direct conversations and groups, their messages and receipts.',
  participants: 'Who is in a group, and in which role.',
  direct: 'Direct conversations, addressed by the other user.',
  contacts: 'Contact requests and accepted contacts.',
  blocks: 'Users who cannot reach the actor.',
  events: 'Changes as they happen.',
  keys: 'Service keys for back ends.',
  webhooks: 'URLs to which events are sent, and their deliveries.',
  audit: 'The log of privileged actions.',
  inspection: 'Conversations of other users, for admins.',
  stats: 'Numbers about the installation and its servers.',
  settings: 'The settings of the server.',
  setup: 'The first start: creating the first admin, and the demo.',
}

/** The errors that every operation can return in addition to those of its entry. */
const COMMON_ERRORS: readonly ErrorCode[] = [
  'INVALID_INPUT',
  'UNAUTHENTICATED',
  'RATE_LIMITED',
  'INTERNAL',
  'UNAVAILABLE',
]
/** For an Act-As that names no user, or for an Act-As or Expected-User that names another user than the credentials. */
const USER_HEADER_ERRORS: readonly ErrorCode[] = ['USER_NOT_FOUND', 'FORBIDDEN', 'USER_MISMATCH']

const problemSchema = {
  type: 'object',
  description: 'RFC 9457 problem details. Branch on code.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(errorCatalogue) },
    requestId: { type: 'string', description: "Identifies this request in the server's log." },
    issues: {
      type: 'array',
      description: 'The problems with the input, by field.',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

/** The OpenAPI 3.1 document of the contract. */
export function openApiDocument(): Json {
  const schemas: Record<string, unknown> = { Problem: problemSchema }
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const { method, path } = route.operation.entry.http
    paths[path] ??= {}
    paths[path][method.toLowerCase()] = toOperationObject(route, schemas)
  }
  // Last, because collecting a schema that refers to events replaces them.
  collect(toJsonSchema(eventSchema, 'output'), schemas)
  describeEvents(schemas)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sotto',
      version: '1',
      description: `Self-hosted private messaging. Message texts are limited to ${defaultMaxTextLength.toLocaleString('en-US')} characters by default.`,
      contact: { name: 'Sotto' },
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tagDescriptions).map(([name, description]) => ({ name, description })),
    security: [{ bearer: [] }, { basic: [] }],
    paths,
    webhooks: webhookPaths,
    components: {
      schemas,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A service key (sk_…), a session token or a signed token.',
        },
        basic: { type: 'http', scheme: 'basic', description: 'Username and password.' },
      },
    },
  }
}

function tagOf({ operation }: Route): string {
  return operation.name.split('.')[0] ?? ''
}

function toOperationObject(route: Route, schemas: Json): Json {
  const { operation, hasBody, pathFields } = route
  const { entry, name } = operation
  const { properties = {}, required = [] } = collect(toJsonSchema(entry.input, 'input'), schemas) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  const input = jsonOf(entry.example.input) as Json
  const parameterFields = Object.keys(properties).filter((field) => !hasBody || pathFields.includes(field))
  const bodyFields = Object.keys(properties).filter((field) => !parameterFields.includes(field))
  return {
    operationId: name,
    tags: [tagOf(route)],
    summary: entry.summary,
    ...(entry.description && { description: entry.description }),
    ...(entry.access === 'anyone' && { security: [{}, { bearer: [] }] }),
    parameters: [
      ...parameterFields.map((field) => toParameter(field, route, properties[field] ?? {}, required, input)),
      ...(entry.access === 'anyone' ? [] : [actAsParameter, expectedUserParameter]),
    ],
    ...(bodyFields.length > 0 && {
      requestBody: {
        // Some operations require one of several fields.
        required: !entry.input.safeParse(pick(input, parameterFields)).success,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: pick(properties, bodyFields),
              required: required.filter((field) => bodyFields.includes(field)),
              additionalProperties: false,
            },
            example: pick(input, bodyFields),
          },
        },
      },
    }),
    responses: toResponses(route, schemas),
  }
}

const actAsParameter = {
  name: 'Act-As',
  in: 'header',
  description:
    'The user that a service key acts for: a username, an id, or `ext:` followed by an external id. Percent-encoded: `ext%3Aa%2Fb`.',
  schema: { type: 'string' },
}

const expectedUserParameter = {
  name: 'Expected-User',
  in: 'header',
  description:
    'The user for whom the client makes the request: an id, a username, or `ext:` followed by an external id. Percent-encoded. Requests of any other user fail with USER_MISMATCH.',
  schema: { type: 'string' },
}

function toParameter(
  field: string,
  { pathFields }: Route,
  schema: Json,
  required: string[],
  input: Json,
): Json {
  const inPath = pathFields.includes(field)
  const { description, ...rest } = schema
  const isList = rest.type === 'array'
  return {
    name: field,
    in: inPath ? 'path' : 'query',
    required: inPath || required.includes(field),
    ...(description !== undefined && { description }),
    // A list is comma-separated values, or a repeated parameter.
    ...(isList && { style: 'form', explode: false }),
    schema: isList ? withPlainItems(rest) : rest,
    ...(input[field] !== undefined && { example: input[field] }),
  }
}

/** Many tools do not know `prefixItems`. The items of a tuple in a query have the same schema. */
function withPlainItems({ prefixItems, ...schema }: Json): Json {
  return Array.isArray(prefixItems) ? { ...schema, items: prefixItems[0] } : schema
}

/** A page of a named schema has a name, too. */
function withPageName(schema: Json, schemas: Json): Json {
  const { properties } = schema as {
    properties?: { items?: { items?: { $ref?: string } }; nextCursor?: unknown }
  }
  const item = properties?.nextCursor ? properties.items?.items?.$ref?.split('/').at(-1) : undefined
  if (item === undefined) return schema
  schemas[`${item}Page`] = schema
  return { $ref: `#/components/schemas/${item}Page` }
}

function streamContent(entry: Procedure): Json {
  const { id, type, ...event } = jsonOf(entry.example.output) as { id: string; type: string }
  return {
    'text/event-stream': {
      schema: {
        type: 'string',
        description:
          'Server-Sent Events. `data` is an Event as one line of JSON, `event` its type, and `id` the cursor after it.',
      },
      example: `id: WyJldmVudHMiLCJub3ciXQ\nevent: ${type}\ndata: ${JSON.stringify({ id, type, ...event })}\n\n`,
    },
  }
}

function jsonContent(entry: Procedure, schemas: Json): Json {
  return {
    'application/json': {
      schema: withPageName(collect(toJsonSchema(entry.output, 'output'), schemas), schemas),
      example: jsonOf(entry.example.output),
    },
    ...(entry.http.lines && { 'application/x-ndjson': { schema: { type: 'string' } } }),
  }
}

function toResponses({ operation }: Route, schemas: Json): Json {
  const { entry } = operation
  const { status, repeatedStatus } = entry.http
  const success =
    status === 204
      ? { description: 'Success, without a body.' }
      : {
          description: entry.summary,
          content: isStream(operation) ? streamContent(entry) : jsonContent(entry, schemas),
        }
  const codes = new Set([
    ...entry.errors,
    ...(entry.access === 'anyone' ? [] : USER_HEADER_ERRORS),
    ...COMMON_ERRORS,
  ])
  const byStatus = Map.groupBy(codes, (code) => errorCatalogue[code].status)
  const failures = [...byStatus].map(([failure, names]) => [
    failure,
    {
      description: names.map((name) => `${name}: ${errorCatalogue[name].title}.`).join(' '),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ])
  return {
    [status]: success,
    ...(repeatedStatus && {
      [repeatedStatus]: { ...success, description: 'Nothing was created: it existed already.' },
    }),
    ...Object.fromEntries(failures),
  }
}

/** Moves a schema's definitions to the document's components and updates the references. */
function collect(schema: Json, schemas: Json): Json {
  const { $schema: _, $defs = {}, ...rest } = schema as Json & { $defs?: Json }
  for (const [name, definition] of Object.entries($defs)) schemas[name] = rewriteRefs(definition as Json)
  const named = typeof rest.id === 'string' ? rest.id : undefined
  const rewritten = rewriteRefs(rest) as Json
  if (!named) return rewritten
  schemas[named] = rewritten
  return { $ref: `#/components/schemas/${named}` }
}

function rewriteRefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewriteRefs)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      // zod writes the names of schemas as `id`, which JSON Schema no longer has.
      .filter(([key, inner]) => !(key === 'id' && typeof inner === 'string'))
      .map(([key, inner]) => [
        key,
        key === '$ref' && typeof inner === 'string'
          ? inner.replace('#/$defs/', '#/components/schemas/')
          : rewriteRefs(inner),
      ]),
  )
}

function pick(record: Json, fields: readonly string[]): Json {
  return Object.fromEntries(fields.filter((field) => field in record).map((field) => [field, record[field]]))
}

/** The JSON form of a value. */
function jsonOf(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
