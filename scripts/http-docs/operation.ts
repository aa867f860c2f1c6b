import { type Access, contract, type ExampleCaller, type Procedure, requiredScopesOf } from '@sotto/contract'
import { fieldTable } from './fields.ts'

export interface Operation {
  /** `messages.send` */
  name: string
  entry: Procedure
}

/** Every operation of the contract, in its order. */
export const operations: readonly Operation[] = Object.entries(contract).flatMap(([resource, entries]) =>
  Object.entries<Procedure>(entries).map(([name, entry]) => ({ name: `${resource}.${name}`, entry })),
)

export const callers: Record<Access, string> = {
  anyone: 'anyone',
  caller: 'a service key or a user',
  actor: 'a user, or a service key acting for one',
  admin: 'an admin or a service key',
}

const sent = contract.messages.send.example.output
const key = contract.keys.create.example.output

/**
 * Ids and secrets in the contract's examples, and the shell variables in which the template stores the reader's own.
 */
const variables = new Map([
  [sent.id, '$MESSAGE'],
  [sent.conversationId, '$CONVERSATION'],
  [contract.conversations.create.example.output.id, '$GROUP'],
  [contract.sessions.revoke.example.input.sessionId, '$SESSION'],
  [contract.invitations.revoke.example.input.invitationId, '$INVITATION'],
  [contract.setup.openDemo.example.input.token, '$SETUP'],
  [contract.passwords.reset.example.input.token, '$RESET'],
  [contract.totp.confirm.example.input.code, '$CODE'],
  [key.id, '$KEY'],
  [contract.webhooks.create.example.output.id, '$WEBHOOK'],
  [contract.webhooks.test.example.output.id, '$DELIVERY'],
])

/** Operations on the session of the request: their samples need the session token that the template stores. */
const withToken = new Set(['sessions.list', 'sessions.end', 'passwords.set'])

const EXAMPLE_CURSOR = contract.events.pull.example.output.cursor

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH'])
const VARIABLE = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?:pr|su)_[\w-]{40,}|(?<=")\d{6}(?=")/g

/** The section of one operation: description, input, sample, response and errors. */
export function documentOperation(operation: Operation): string {
  const { name, entry } = operation
  const { method, path } = entry.http
  return [
    `### ${entry.summary}`,
    `\`${method} ${path}\`, for ${callers[entry.access]}. Scopes of a key: ${scopesOf(entry)}. SDK: \`${name}\`.`,
    ...(entry.description ? [entry.description] : []),
    ...fieldTable(entry, pathFieldsOf(path), hasBody(entry)),
    fence('sh', sample(operation)),
    ...response(entry),
    errorLine(entry),
  ].join('\n\n')
}

function scopesOf(entry: Procedure): string {
  return requiredScopesOf(entry)
    .map((scope) => `\`${scope}\``)
    .join(', ')
}

function sample({ name, entry }: Operation): string {
  const { http, example } = entry
  const input = jsonOf(example.input)
  const inPath = pathFieldsOf(http.path)
  const rest = Object.fromEntries(Object.entries(input).filter(([field]) => !inPath.includes(field)))
  const path = http.path.replaceAll(/\{(\w+)\}/g, (_, field: string) => urlPart(input[field]))
  const query = Object.entries(rest).map(([field, value]) => `${field}=${urlPart(value)}`)
  const isQuery = !hasBody(entry) && query.length > 0
  const command = http.method === 'GET' ? 'curl' : `curl -X ${http.method}`
  const isStream = entry.kind === 'subscription'
  const lines = [
    `${command}${isStream ? ' -N --max-time 2' : ''} "$SOTTO_URL${path}${isQuery ? `?${query.join('&')}` : ''}"`,
  ]
  lines.push(...credentials(name, example.as))
  if (hasBody(entry) && Object.keys(rest).length > 0)
    lines.push('-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(rest))}`)
  // curl exits with an error when --max-time ends the stream.
  return lines.join(' \\\n  ') + (isStream ? ' || true' : '')
}

/** The service key acts for the example's user, so that one credential works for all samples. */
function credentials(name: string, caller: ExampleCaller): string[] {
  if (withToken.has(name)) return ['-H "Authorization: Bearer $TOKEN"']
  if (caller === 'nobody') return []
  const key = '-H "Authorization: Bearer $SOTTO_SERVICE_KEY"'
  return caller === 'key' ? [key] : [key, `-H "Act-As: ${caller}"`]
}

function response({ kind, http, example }: Procedure): string[] {
  if (kind === 'subscription') {
    const event = jsonOf(example.output)
    const block = `id: ${EXAMPLE_CURSOR}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}`
    return ['Returns `200` and stays open. Each event looks like this:', fence('', block)]
  }
  if (http.status === 204) return ['Returns `204` without a body.']
  const repeated = http.repeatedStatus ? `, or \`${http.repeatedStatus}\` if it repeats an earlier one` : ''
  return [
    `Returns \`${http.status}\`${repeated}:`,
    fence('json', JSON.stringify(jsonOf(example.output), null, 2)),
  ]
}

function errorLine({ errors }: Procedure): string {
  const own = errors.map((code) => `\`${code}\``).join(', ')
  return own ? `Errors: ${own}, and the [common errors](#errors).` : 'Errors: the [common errors](#errors).'
}

function hasBody({ http }: Procedure): boolean {
  return WITH_BODY.has(http.method)
}

function pathFieldsOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field)
}

/** A list is one value, separated by commas. */
function urlPart(value: unknown): string {
  const items = Array.isArray(value) ? value : [value]
  return items
    .map((item) => encodeURIComponent(String(item)))
    .join(',')
    .replaceAll(VARIABLE, variableOf)
}

/** In single quotes, except for variables. */
function quoted(json: string): string {
  const text = json.replaceAll("'", `'\\''`).replaceAll(VARIABLE, (id) => `'"${variableOf(id)}"'`)
  return `'${text}'`
}

function variableOf(id: string): string {
  const variable = variables.get(id)
  if (!variable) throw new Error(`no shell variable for ${id} in a sample: store one in template.md`)
  return variable
}

function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

/** As it is serialized in requests and responses. */
function jsonOf(value: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value))
}
