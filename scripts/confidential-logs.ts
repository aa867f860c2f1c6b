import { channel, tracingChannel } from 'node:diagnostics_channel'

/*
 * Checks that logs contain neither content from users nor credentials. Fastify and pino publish what they do on
 * diagnostics channels, so every server that a test starts in this process is watched, without any change to the
 * server.
 */

/** Content and addresses. */
const contentFields: ReadonlySet<string> = new Set(['text', 'alt', 'url', 'q', 'clientMessageId', 'email'])
/** Credentials. */
const credentialFields: ReadonlySet<string> = new Set([
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
/** Input and output fields of the contract whose values are confidential. */
export const confidentialFields: ReadonlySet<string> = new Set([...contentFields, ...credentialFields])
/** An id grants no access. It may be logged, even if a caller has sent it as a token. */
const ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/
const confidentialHeaders = ['authorization', 'cookie', 'set-cookie']

/** Shorter values occur in log lines by coincidence. */
const MIN_LENGTH = 8
/** The length that identifies a value. */
const MAX_LENGTH = 40
/** Input with more values is an attack and not searched further, so that watched servers stay fast. */
const MAX_VALUES = 20_000
/** The number of lines to collect before they are parsed. */
const LINES_PER_BATCH = 10_000
/** A single word may also be one that the server logs. */
const WORD = /^[a-z]+$/i

/** The parts of Fastify used here. */
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

/** Tracks confidential values and log lines in this process. */
export interface LogWatch extends Disposable {
  /** The confidential values found in the log, each with its line. */
  leaks(): Promise<string[]>
}

/** Watches every server that starts in this process from now on. */
export function watchLogs(): LogWatch {
  const confidential = new Set<string>()
  let lines: string[] = []
  const logged = new Map<string, string>()
  const pending = new Set<Promise<void>>()

  function note(value: unknown): void {
    for (const text of confidentialIn(value)) confidential.add(text)
  }
  const onServer = (message: unknown) => {
    // As documented by Fastify for this channel.
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
  function parseLines(): void {
    for (const line of lines) {
      for (const text of textsOf(line)) if (!logged.has(text)) logged.set(text, line)
    }
    lines = []
  }
  const onLine = (message: unknown) => {
    const { result } = message as { result?: unknown }
    if (typeof result === 'string') lines.push(result)
    if (lines.length >= LINES_PER_BATCH) parseLines()
  }
  const servers = channel('fastify.initialization')
  const log = tracingChannel('pino_asJson').end
  servers.subscribe(onServer)
  log.subscribe(onLine)
  return {
    async leaks() {
      await Promise.all(pending)
      parseLines()
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
      // Removes the scheme or the cookie's name, and attributes.
      note({ token: value.replace(/^(?:\w+ |[\w-]+=)/, '').split(';', 1)[0] })
    }
  }
}

/** The values of confidential fields at any depth. If a field holds a list, all values in it. */
function confidentialIn(value: unknown): string[] {
  const found: string[] = []
  // Not recursive, because inputs may be nested deeper than the stack allows.
  const waiting: { value: unknown; kind?: 'content' | 'credential' | undefined }[] = [{ value }]
  for (let next = waiting.pop(); next && waiting.length < MAX_VALUES; next = waiting.pop()) {
    const { value: own, kind } = next
    if (typeof own === 'string') {
      if (kind === undefined || (kind === 'credential' && ID.test(own))) continue
      if (own.length >= MIN_LENGTH && !WORD.test(own)) found.push(beginningOf(own))
    } else if (Array.isArray(own)) {
      for (const inner of own) waiting.push({ value: inner, kind })
    } else if (typeof own === 'object' && own !== null) {
      for (const [name, inner] of Object.entries(own)) {
        const kindOfField = contentFields.has(name)
          ? 'content'
          : credentialFields.has(name)
            ? 'credential'
            : undefined
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
    // Not JSON, or incomplete, so it has no fields.
    return undefined
  }
}

/** The text of a complete JSON response. Event streams do not end, so they are not read. */
function textOf(payload: unknown): Promise<string> | undefined {
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) return Promise.resolve(String(payload))
  if (!(payload instanceof Response) || !payload.headers.get('content-type')?.includes('json')) return
  return payload
    .clone()
    .text()
    .catch(() => '')
}

/** Copies the beginning, because a slice would keep the whole, possibly large, string in memory. */
function beginningOf(text: string): string {
  return text.length <= MAX_LENGTH ? text : JSON.parse(JSON.stringify(text.slice(0, MAX_LENGTH)))
}

/** The strings in a line, including field names. */
function textsOf(line: string): string[] {
  // The caller chooses the path and the id of a request. No operation accepts confidential data there.
  const { path: _, requestId: __, ...rest } = JSON.parse(line) as Record<string, unknown>
  const found: string[] = []
  JSON.stringify(rest, (name, value) => {
    for (const text of [name, value])
      if (typeof text === 'string' && text.length >= MIN_LENGTH) found.push(text)
    return value
  })
  return found
}

/** The forms a value can have in a log: unchanged, escaped as in JSON, or encoded as in a URL. */
function formsOf(text: string): string[] {
  const forms = [text, JSON.stringify(text).slice(1, -1)]
  if (text.isWellFormed()) forms.push(encodeURIComponent(text))
  return [...new Set(forms)]
}

/**
 * Indexes forms by prefix, so that each logged string is scanned once. A long run has hundreds of thousands of forms.
 */
function byBeginning(forms: readonly string[]): Map<string, string[]> {
  return Map.groupBy(forms, (form) => form.slice(0, MIN_LENGTH))
}

/** The forms that a text contains, except within a longer word. */
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
