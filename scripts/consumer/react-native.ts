import { type IncomingMessage, request } from 'node:http'
import vm from 'node:vm'

/** A response as React Native's networking module delivers it: complete, never in parts. */
interface NativeResponse {
  status: number
  url: string
  headers: [string, string][]
  text: string
}

interface NativeSocket {
  send: (data: string) => void
  close: () => void
}

/** What an app's native side provides. */
interface Native {
  setTimeout: (run: () => void, ms: number) => number
  clearTimeout: (timer: number) => void
  now: () => number
  log: (...values: unknown[]) => void
  /** @returns a function that cancels the request. */
  send: (
    request: { method: string; url: string; headers: [string, string][]; body: string | undefined },
    done: (response: NativeResponse | undefined) => void,
  ) => () => void
  connect: (url: string, emit: (type: string, data?: unknown) => void) => NativeSocket
}

export interface ReactNative extends Disposable {
  /** Runs a script, which must be in a syntax that Metro's Babel preset produces, and returns its value. */
  run(script: string): unknown
  /** The addresses of all requests so far, and of all WebSockets, without their queries. */
  readonly requests: readonly string[]
  readonly globals: Record<string, unknown>
}

/**
 * The global environment of a bare React Native 0.76 app: what Hermes and React Native provide, without polyfills, and
 * with the same gaps. Most of what exists in Node and browsers is missing or incomplete.
 *
 * `connects` is whether WebSockets work in its network.
 */
export function createReactNative({ connects = true } = {}): ReactNative {
  const requests: string[] = []
  const timers = new Map<number, NodeJS.Timeout>()
  const cancels = new Set<() => void>()
  let ids = 0
  const native: Native = {
    setTimeout(run, ms) {
      ids += 1
      timers.set(ids, setTimeout(run, ms))
      return ids
    },
    clearTimeout(timer) {
      clearTimeout(timers.get(timer))
      timers.delete(timer)
    },
    now: () => performance.now(),
    log: (...values) => console.info(...values),
    send({ method, url, headers, body }, done) {
      requests.push(withoutQuery(url))
      const sent = request(url, { method, headers: Object.fromEntries(headers) })
      const cancel = () => void sent.destroy()
      cancels.add(cancel)
      sent.once('close', () => cancels.delete(cancel))
      sent.on('error', () => done(undefined))
      sent.once('response', (response) => {
        readAll(response).then(
          (text) => done({ status: response.statusCode ?? 0, url, headers: fieldsOf(response), text }),
          () => done(undefined),
        )
      })
      sent.end(body)
      return cancel
    },
    connect(url, emit) {
      requests.push(withoutQuery(url))
      // Nothing listens on port 1.
      const socket = new WebSocket(connects ? url : 'ws://127.0.0.1:1')
      const cancel = () => socket.close()
      cancels.add(cancel)
      socket.addEventListener('open', () => emit('open'))
      socket.addEventListener('message', ({ data }) => emit('message', data))
      socket.addEventListener('error', () => emit('error'))
      socket.addEventListener('close', () => {
        cancels.delete(cancel)
        emit('close')
      })
      return { send: (data) => socket.send(data), close: cancel }
    },
  }
  const globals: Record<string, unknown> = vm.createContext()
  vm.runInContext(`(${removeMissing})(globalThis)`, globals)
  vm.runInContext(`(${installGlobals})`, globals)(globals, native)
  return {
    globals,
    requests,
    run: (script) => vm.runInContext(script, globals),
    [Symbol.dispose]() {
      for (const timer of timers.values()) clearTimeout(timer)
      for (const cancel of [...cancels]) cancel()
    },
  }
}

function withoutQuery(url: string): string {
  return url.split('?', 1)[0] ?? url
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function fieldsOf({ headers }: IncomingMessage): [string, string][] {
  return Object.entries(headers).map(([name, value]) => [name, String(value)])
}

/* The functions below run inside the environment, so they cannot use anything outside themselves. */

/** Removes what Hermes does not have. Where that differs between its versions, it is removed. */
function removeMissing(global: Record<string, unknown>): void {
  const missing: Record<string, string> = {
    '': 'Atomics FinalizationRegistry Iterator SharedArrayBuffer SuppressedError DisposableStack AsyncDisposableStack WebAssembly Float16Array',
    Array: 'fromAsync',
    'Array.prototype': 'findLast findLastIndex toReversed toSorted toSpliced with',
    ArrayBuffer: '',
    'ArrayBuffer.prototype': 'resize resizable transfer transferToFixedLength detached maxByteLength',
    Error: 'captureStackTrace isError',
    Map: 'groupBy',
    'Map.prototype': 'getOrInsert getOrInsertComputed',
    Math: 'f16round sumPrecise',
    Object: 'groupBy',
    Promise: 'try withResolvers',
    RegExp: 'escape',
    'Set.prototype':
      'difference intersection isDisjointFrom isSubsetOf isSupersetOf symmetricDifference union',
    'String.prototype': 'isWellFormed toWellFormed',
    Uint8Array: 'fromBase64 fromHex',
    'Uint8Array.prototype': 'toBase64 toHex setFromBase64 setFromHex',
  }
  for (const path of Object.keys(missing)) {
    let holder: Record<string, unknown> = global
    for (const key of path.split('.')) {
      if (key !== '') holder = holder[key] as Record<string, unknown>
    }
    for (const key of (missing[path] ?? '').split(' ')) delete holder[key]
  }
  // Its symbols cannot be removed one by one.
  const Real = Symbol
  const Reduced = (description?: string) => Real(description)
  const kept =
    'hasInstance iterator isConcatSpreadable toPrimitive toStringTag match matchAll search replace split'
  for (const name of kept.split(' ')) Object.defineProperty(Reduced, name, { value: Reflect.get(Real, name) })
  Object.assign(Reduced, { for: Real.for, keyFor: Real.keyFor, prototype: Real.prototype })
  global.Symbol = Reduced
}

/** Adds what React Native provides. */
function installGlobals(global: Record<string, unknown>, native: Native): void {
  type Listener = (event: { type: string; data?: unknown }) => void

  class Target {
    private listeners: { type: string; listener: Listener; once: boolean }[] = []
    addEventListener(type: string, listener: Listener, options: { once?: boolean } = {}): void {
      const isKnown = this.listeners.some((entry) => entry.type === type && entry.listener === listener)
      if (!isKnown) this.listeners.push({ type, listener, once: options.once === true })
    }
    removeEventListener(type: string, listener: Listener): void {
      this.listeners = this.listeners.filter((entry) => entry.type !== type || entry.listener !== listener)
    }
    dispatchEvent(event: { type: string; data?: unknown }): void {
      for (const entry of this.listeners.filter(({ type }) => type === event.type)) {
        if (entry.once) this.removeEventListener(entry.type, entry.listener)
        entry.listener.call(this, event)
      }
      const handler = (this as unknown as Record<string, Listener | undefined>)[`on${event.type}`]
      if (typeof handler === 'function') handler.call(this, event)
    }
  }

  // Of the package abort-controller 3: no reasons and no static methods.
  class AbortSignal extends Target {
    private isAborted = false
    get aborted(): boolean {
      return this.isAborted
    }
    static abort(signal: AbortSignal): void {
      if (signal.isAborted) return
      signal.isAborted = true
      signal.dispatchEvent({ type: 'abort' })
    }
  }
  const abortSignal = AbortSignal.abort
  Reflect.deleteProperty(AbortSignal, 'abort')
  class AbortController {
    readonly signal = new AbortSignal()
    abort(): void {
      abortSignal(this.signal)
    }
  }

  // Of the package whatwg-fetch 3: responses have no `body`.
  class Headers {
    private map: Record<string, string> = {}
    constructor(init?: Headers | [string, string][] | Record<string, string>) {
      if (init instanceof Headers) for (const [name, value] of init) this.append(name, value)
      else if (Array.isArray(init)) for (const [name, value] of init) this.append(name, value)
      else if (init) for (const name of Object.getOwnPropertyNames(init)) this.append(name, init[name] ?? '')
    }
    private normalize(name: string): string {
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
        throw new TypeError(`Invalid character in header field name: "${name}"`)
      return name.toLowerCase()
    }
    append(name: string, value: string): void {
      const old = this.get(name)
      this.map[this.normalize(name)] = old === null ? `${value}` : `${old}, ${value}`
    }
    delete(name: string): void {
      delete this.map[this.normalize(name)]
    }
    get(name: string): string | null {
      return this.map[this.normalize(name)] ?? null
    }
    has(name: string): boolean {
      return this.get(name) !== null
    }
    set(name: string, value: string): void {
      this.map[this.normalize(name)] = `${value}`
    }
    forEach(callback: (value: string, name: string, headers: Headers) => void): void {
      for (const name of Object.keys(this.map)) callback(this.map[name] ?? '', name, this)
    }
    keys() {
      return Object.keys(this.map).values()
    }
    values() {
      return Object.values(this.map).values()
    }
    entries() {
      return Object.entries(this.map).values()
    }
    [Symbol.iterator]() {
      return this.entries()
    }
  }
  class Response {
    readonly type = 'default'
    readonly status: number
    readonly ok: boolean
    readonly statusText: string
    readonly headers: Headers
    readonly url: string
    bodyUsed = false
    private content: string
    constructor(
      content?: string | null,
      init: { status?: number; statusText?: string; headers?: [string, string][]; url?: string } = {},
    ) {
      this.status = init.status ?? 200
      this.ok = this.status >= 200 && this.status < 300
      this.statusText = init.statusText ?? ''
      this.headers = new Headers(init.headers)
      this.url = init.url ?? ''
      this.content = content ?? ''
    }
    async text(): Promise<string> {
      if (this.bodyUsed) throw new TypeError('Already read')
      this.bodyUsed = true
      return await Promise.resolve(this.content)
    }
    async json(): Promise<unknown> {
      return JSON.parse(await this.text())
    }
    clone(): Response {
      const headers = [...this.headers]
      return new Response(this.content, { status: this.status, headers, url: this.url })
    }
  }
  interface Init {
    method?: string
    headers?: Headers | [string, string][] | Record<string, string>
    body?: string
    signal?: AbortSignal
  }
  class Request {
    readonly url: string
    readonly method: string
    readonly headers: Headers
    readonly signal: AbortSignal
    constructor(url: string, init: Init = {}) {
      this.url = String(url)
      this.method = (init.method ?? 'GET').toUpperCase()
      this.headers = new Headers(init.headers)
      this.signal = init.signal ?? new AbortController().signal
    }
  }
  function fetch(input: string, init: Init = {}): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { url, method, headers, signal } = new Request(input, init)
      const aborted = () => Object.assign(new Error('Aborted'), { name: 'AbortError' })
      if (signal.aborted) return reject(aborted())
      const message = { method, url, headers: [...headers], body: init.body }
      const cancel = native.send(message, (response) => {
        signal.removeEventListener('abort', abort)
        if (response) resolve(new Response(response.text, response))
        else reject(new TypeError('Network request failed'))
      })
      function abort(): void {
        signal.removeEventListener('abort', abort)
        reject(aborted())
        cancel()
      }
      signal.addEventListener('abort', abort)
    })
  }

  class WebSocket extends Target {
    static CONNECTING = 0
    static OPEN = 1
    static CLOSING = 2
    static CLOSED = 3
    readyState = 0
    readonly url: string
    private socket: NativeSocket
    constructor(url: string) {
      super()
      this.url = url
      this.socket = native.connect(url, (type, data) => {
        if (type === 'open') this.readyState = 1
        else if (type !== 'message') this.readyState = 3
        this.dispatchEvent({ type, data })
      })
    }
    send(data: string): void {
      if (this.readyState === 0) throw new Error('INVALID_STATE_ERR')
      if (typeof data !== 'string') throw new Error('Unsupported data type')
      this.socket.send(data)
    }
    close(): void {
      if (this.readyState >= 2) return
      this.readyState = 2
      this.socket.close()
    }
  }

  // React Native's own, which parse nothing.
  const notImplemented = (name: string) => () => {
    throw new Error(`${name} is not implemented`)
  }
  class URLSearchParams {
    private pairs: [string, string][] = []
    constructor(params?: Record<string, string>) {
      if (typeof params === 'object')
        for (const key of Object.keys(params)) this.append(key, params[key] ?? '')
    }
    append(key: string, value: string): void {
      this.pairs.push([key, value])
    }
    [Symbol.iterator]() {
      return this.pairs[Symbol.iterator]()
    }
    toString(): string {
      return this.pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
    }
  }
  for (const name of ['delete', 'get', 'getAll', 'has', 'set', 'sort'])
    Object.defineProperty(URLSearchParams.prototype, name, {
      value: notImplemented(`URLSearchParams.${name}`),
    })
  class URL {
    private text: string
    constructor(url: string, base?: string | URL) {
      if (base !== undefined && !/^https?:/.test(url)) {
        this.text = `${String(base).replace(/\/$/, '')}${url.startsWith('/') ? '' : '/'}${url}`
      } else {
        this.text = url.endsWith('/') ? url : `${url}/`
      }
    }
    get href(): string {
      return this.text
    }
    toString(): string {
      return this.text
    }
  }
  const parts = 'hash host hostname origin password pathname port protocol search username'
  for (const name of parts.split(' '))
    Object.defineProperty(URL.prototype, name, { get: notImplemented(`URL.${name}`) })

  class FormData {
    private entries: [string, unknown][] = []
    append(name: string, value: unknown): void {
      this.entries.push([name, value])
    }
    getParts(): unknown[] {
      return this.entries
    }
  }
  class Blob {}
  class File extends Blob {}
  class FileReader extends Target {}
  class XMLHttpRequest extends Target {}

  const later = (run: (...values: unknown[]) => void, ms = 0, ...values: unknown[]) =>
    native.setTimeout(() => run(...values), ms)
  function every(run: (...values: unknown[]) => void, ms = 0, ...values: unknown[]): number {
    throw new Error(`setInterval is not simulated: ${run} ${ms} ${values}`)
  }
  const console = {
    log: native.log,
    info: native.log,
    warn: native.log,
    error: native.log,
    debug: native.log,
  }
  const provided = {
    ...{ AbortController, AbortSignal, Blob, File, FileReader, FormData, Headers, Request, Response },
    ...{ URL, URLSearchParams, WebSocket, XMLHttpRequest, console, fetch },
    ...{ setTimeout: later, setInterval: every, setImmediate: later, requestAnimationFrame: later },
    ...{ clearTimeout: native.clearTimeout, clearInterval: native.clearTimeout },
    ...{ clearImmediate: native.clearTimeout, cancelAnimationFrame: native.clearTimeout },
    queueMicrotask: (run: () => void) => void Promise.resolve().then(run),
    performance: { now: native.now, mark() {}, measure() {} },
    process: { env: { NODE_ENV: 'production' } },
    navigator: { product: 'ReactNative' },
    ...{ window: global, self: global, global, alert() {}, __DEV__: false },
  }
  for (const name of Object.keys(provided)) {
    Object.defineProperty(global, name, {
      value: Reflect.get(provided, name),
      configurable: true,
      enumerable: true,
      writable: true,
    })
  }
}
