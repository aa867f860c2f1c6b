import type { Credentials } from './credentials.ts'
import { bodyOf, type Operation } from './openapi.ts'

/** The values of an operation's form: parameters by name, and the body as text. */
export interface FormValues {
  parameters: Readonly<Record<string, string>>
  body: string
}

/** A request without the server's URL and the secret. */
export interface RequestSpec {
  method: string
  /** Includes the query string. */
  path: string
  headers: Readonly<Record<string, string>>
  body: string | undefined
}

/** The example request from the OpenAPI document. */
export function exampleOf(operation: Operation): FormValues {
  const body = bodyOf(operation)
  return {
    parameters: Object.fromEntries(
      operation.parameters.map(({ name, example }) => [name, example === undefined ? '' : String(example)]),
    ),
    body: body ? JSON.stringify(body.example ?? {}, null, 2) : '',
  }
}

/** Builds a request. Leaves out empty values, except in the path. */
export function buildRequest(
  operation: Operation,
  { parameters, body }: FormValues,
  { kind, actAs }: Credentials,
): RequestSpec {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(parameters[name] ?? ''),
  )
  const query = new URLSearchParams(
    operation.parameters.flatMap(({ name, in: location }) =>
      location === 'query' && parameters[name] ? [[name, parameters[name]]] : [],
    ),
  ).toString()
  const hasBody = bodyOf(operation) !== undefined && body.trim() !== ''
  return {
    method: operation.method,
    path: query ? `${path}?${query}` : path,
    headers: {
      ...(kind === 'secret' && actAs !== '' && { 'Act-As': encodeURIComponent(actAs) }),
      ...(hasBody && { 'Content-Type': 'application/json' }),
    },
    body: hasBody ? body : undefined,
  }
}

/** Sends a request to this server. The session cookie is only included if it is the chosen credential. */
export function send(
  { method, path, headers, body }: RequestSpec,
  { kind, secret }: Credentials,
  signal: AbortSignal,
): Promise<Response> {
  return fetch(path, {
    method,
    headers: { ...headers, ...(kind === 'secret' && { Authorization: `Bearer ${secret}` }) },
    credentials: kind === 'session' ? 'same-origin' : 'omit',
    signal,
    ...(body !== undefined && { body }),
  })
}

/** The request as a curl command. Uses a variable for the secret, so that it is not shown on the screen. */
export function curlOf({ method, path, headers, body }: RequestSpec, { kind }: Credentials): string {
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}${quoted(window.location.origin + path)}`]
  if (kind !== 'none') lines.push('-H "Authorization: Bearer $SOTTO_TOKEN"')
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`)
  if (body !== undefined) lines.push(`-d ${quoted(compact(body))}`)
  return lines.join(' \\\n  ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function compact(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json))
  } catch {
    return json
  }
}
