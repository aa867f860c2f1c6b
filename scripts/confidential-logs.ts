import { channel, tracingChannel } from 'node:diagnostics_channel'

/*
 * No line of the log holds what people say, or what gives access. Fastify and pino announce what they do in a
 * process by diagnostics channels, so whatever server a test starts in it is watched, and no server knows of it.
 */

/** What people say, and where to reach them. */
const saidFields: ReadonlySet<string> = new Set(['text', 'alt', 'url', 'q', 'clientMessageId', 'email'])
/** What gives access. */
const accessFields: ReadonlySet<string> = new Set([
  'password',
  'newPassword',
  'currentPassword',
  'token',
  'key',
  'secret',
  'uri',
  'invitation',
  'recoveryCode',
  'recoveryCodes',
])
/** The fields of the contract, on the way in and on the way out, whose values are nobody's but the caller's. */
export const confidentialFields: ReadonlySet<string> = new Set([...saidFields, ...accessFields])
/** An id gives no access, and is in the log as what it is, whoever has tried it as a token. */
const ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/
const confidentialHeaders = ['authorization', 'cookie', 'set-cookie']

/** What is shorter stands in some line or other by chance. */
const MIN_LENGTH = 8
/** As much of it tells a value from all others. */
const MAX_LENGTH = 40
/** What holds more values is made to hurt and not to tell: servers that are watched are as quick as others. */
const MAX_VALUES = 20_000
/** So many lines are kept before they are taken apart. */
const LINES_AT_ONCE = 10_000
/** A word by itself may be one of the server's own. */
const WORD = /^[a-z]+$/i

/** As much of Fastify as is needed to look on. */
interface WatchedServer {
  addHook(name: 'preHandler', hook: (request: WatchedRequest) => Promise<void>): void
  addHook(
    name: 'onSend',
    hook: (request: WatchedRequest, reply: WatchedReply, payload: unknown) => Promise<void>,
  ): void
}
interface WatchedRequest {
  headers: Readonly<Record<string, unknown>>
  body: unknown
  query: unknown
}
interface WatchedReply {
  getHeaders(): Readonly<Record<string, unknown>>
}

/** What was confidential in this process so far, and what was logged. */
export interface LogWatch extends Disposable {
  /** What stands in a line of the log and may not, each with the line. */
  leaks(): Promise<string[]>
}

/** Watches every server of this process from now on. */
export function watchLogs(): LogWatch {
  const confidential = new Set<string>()
  let lines: string[] = []
  const logged = new Map<string, string>()
  const pending = new Set<Promise<void>>()

  function note(value: unknown): void {
    for (const text of confidentialIn(value)) confidential.add(text)
  }
  const onServer = (message: unknown) => {
    // As Fastify says of this channel.
    const { fastify } = message as { fastify: WatchedServer }
    fastify.addHook('preHandler', async ({ headers, body, query }) => {
      noteHeaders(headers, note)
      note(parsed(body))
      note(query)
      // tRPC's input.
      note(Object.values(query ?? {}).map(parsed))
    })
    fastify.addHook('onSend', async (_request, reply, payload) => {
      noteHeaders(reply.getHeaders(), note)
      const reading = textOf(payload)?.then((text) => note(parsed(text)))
      if (!reading) return
      pending.add(reading)
      void reading.finally(() => pending.delete(reading))
    })
  }
  function takeApart(): void {
    for (const line of lines) {
      for (const text of textsOf(line)) if (!logged.has(text)) logged.set(text, line)
    }
    lines = []
  }
  const onLine = (message: unknown) => {
    const { result } = message as { result?: unknown }
    if (typeof result === 'string') lines.push(result)
    if (lines.length >= LINES_AT_ONCE) takeApart()
  }
  const servers = channel('fastify.initialization')
  const log = tracingChannel('pino_asJson').end
  servers.subscribe(onServer)
  log.subscribe(onLine)
  return {
    async leaks() {
      await Promise.all(pending)
      takeApart()
      const forms = byBeginning([...confidential].flatMap(formsOf))
      return [...logged].flatMap(([text, line]) =>
        formsIn(text, forms).map((form) => `${form} in ${line.slice(0, 500)}`),
      )
    },
    [Symbol.dispose]() {
      servers.unsubscribe(onServer)
      log.unsubscribe(onLine)
    },
  }
}

function noteHeaders(headers: Readonly<Record<string, unknown>>, note: (value: unknown) => void): void {
  for (const name of confidentialHeaders) {
    for (const value of [headers[name]].flat()) {
      if (typeof value !== 'string') continue
      // Without the scheme or the cookie's name, and without its attributes.
      note({ token: value.replace(/^(?:\w+ |[\w-]+=)/, '').split(';', 1)[0] })
    }
  }
}

/** The values of confidential fields, however deep; of one that holds a list, all that is in it. */
function confidentialIn(value: unknown): string[] {
  const found: string[] = []
  // Not by recursion: what comes in may be deeper than the stack.
  const waiting: { value: unknown; kind?: 'said' | 'access' | undefined }[] = [{ value }]
  for (let next = waiting.pop(); next && waiting.length < MAX_VALUES; next = waiting.pop()) {
    const { value: own, kind } = next
    if (typeof own === 'string') {
      if (kind === undefined || (kind === 'access' && ID.test(own))) continue
      if (own.length >= MIN_LENGTH && !WORD.test(own)) found.push(beginningOf(own))
    } else if (Array.isArray(own)) {
      for (const inner of own) waiting.push({ value: inner, kind })
    } else if (typeof own === 'object' && own !== null) {
      for (const [name, inner] of Object.entries(own)) {
        const kindOfField = saidFields.has(name) ? 'said' : accessFields.has(name) ? 'access' : undefined
        waiting.push({ value: inner, kind: kindOfField })
      }
    }
  }
  return found
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    // Not JSON, or not whole: there are no fields in it.
    return undefined
  }
}

/** A whole answer of JSON, whatever it is sent as. A stream of events goes on for as long as somebody reads. */
function textOf(payload: unknown): Promise<string> | undefined {
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) return Promise.resolve(String(payload))
  if (!(payload instanceof Response) || !payload.headers.get('content-type')?.includes('json')) return
  return payload
    .clone()
    .text()
    .catch(() => '')
}

/** In memory of its own: a slice holds on to the whole, which may be large. */
function beginningOf(text: string): string {
  return text.length <= MAX_LENGTH ? text : JSON.parse(JSON.stringify(text.slice(0, MAX_LENGTH)))
}

/** The texts of a line, and the names that they have; a number or a time is none. */
function textsOf(line: string): string[] {
  // The path and the id of a request are the caller's to choose; no operation takes what is confidential there.
  const { path: _, requestId: __, ...rest } = JSON.parse(line) as Record<string, unknown>
  const found: string[] = []
  JSON.stringify(rest, (name, value) => {
    for (const text of [name, value])
      if (typeof text === 'string' && text.length >= MIN_LENGTH) found.push(text)
    return value
  })
  return found
}

/** How a text may stand in another: as it is, as in JSON, as in a URL. */
function formsOf(text: string): string[] {
  const forms = [text, JSON.stringify(text).slice(1, -1)]
  if (text.isWellFormed()) forms.push(encodeURIComponent(text))
  return [...new Set(forms)]
}

/** A long run has hundreds of thousands of them: each text of the log is gone through once for all. */
function byBeginning(forms: readonly string[]): Map<string, string[]> {
  return Map.groupBy(forms, (form) => form.slice(0, MIN_LENGTH))
}

/** Those that a text holds, not as a part of some longer word. */
function formsIn(text: string, forms: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set<string>()
  for (let at = 0; at <= text.length - MIN_LENGTH; at++) {
    for (const form of forms.get(text.slice(at, at + MIN_LENGTH)) ?? []) {
      if (!text.startsWith(form, at)) continue
      if (/[\w-]/.test(text[at - 1] ?? '') && /^[\w-]/.test(form)) continue
      if (/[\w-]/.test(text[at + form.length] ?? '') && /[\w-]$/.test(form) && form.length < MAX_LENGTH)
        continue
      found.add(form)
    }
  }
  return [...found]
}
