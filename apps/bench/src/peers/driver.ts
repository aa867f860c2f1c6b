import { Pool } from 'undici'
import { drive, type Load, pace, perSecondOf, quantile, type Run } from '../load.ts'
import { PAGE, type PeerName, peerApis, type User } from './peer-apis.ts'
import type { Receiver } from './receivers.ts'

// The load generator: a process of its own, the same for every server. It creates users, opens a stream for each,
// sends, and records when each message arrives at its recipient's stream.

const USERS = 100
/** Conversations between users who are up to five apart. */
const CONVERSATIONS = 500
const SENDERS = 32
const OPEN_LOOP_CONNECTIONS = 64
const TEXT_BYTES = 100
/** How long after the last send events count as delivered. */
const PATIENCE_MS = 5_000
const LATE_MS = 1_000
const TICK_MS = 2

export interface Target {
  peer: PeerName
  /** More than one shares the users. */
  urls: string[]
}

export interface SendFigures {
  sends: number
  perSecond: number
  /** Events that had not arrived 5 s after the last send. */
  undelivered: number
  /** Events that arrived more than a second after the call of their send. */
  late: number
  /** Of those delivered, from the call of the send, in milliseconds. */
  latestMs: number
}

export interface LatencyFigures {
  sends: number
  undelivered: number
  /** From the time at which the send was due. Infinity if too few arrived. In milliseconds. */
  p50: number
  p99: number
}

interface Session {
  target: Target
  users: User[]
  receivers: Receiver[]
  /** Empty until the conversations exist. */
  conversationIds: string[]
}

let session: Session | undefined
/** The messages of the current run by number: their recipients and times. */
let recipients: number[] = []
let startedAt: number[] = []
let arrivedAt: number[] = []
let arrived = 0
/** The sends of all runs at a rate whose response has arrived. */
let completed = 0
let record: ((user: number, json: string) => void) | undefined

function current(): Session {
  if (!session) throw new Error('no session is open')
  return session
}

const commands = {
  /** Creates users with a prefix and opens their streams; with `conversations`, also 500 conversations. */
  async open(target: Target, prefix: string, hasConversations: boolean): Promise<void> {
    const api = peerApis[target.peer]
    const users: User[] = []
    for (let index = 0; index < USERS; index++) {
      users.push(await api.createUser(urlOf(target, index), `${prefix}-${index}`))
    }
    session = { target, users, receivers: [], conversationIds: [] }
    await commands.connect()
    if (!hasConversations) return
    await using client = openClient(session, SENDERS)
    const pairs = Array.from({ length: CONVERSATIONS }, (_, index) => index)
    await Promise.all(
      Array.from({ length: SENDERS }, async () => {
        for (let pair = pairs.shift(); pair !== undefined; pair = pairs.shift()) {
          const [from, to] = usersOf(pair)
          const sent = await client.send(from, { to: users[to]?.username ?? '' }, textOf(0))
          current().conversationIds[pair] = sent.conversationId
        }
      }),
    )
  },

  async connect(): Promise<void> {
    const { target, users, receivers } = current()
    const api = peerApis[target.peer]
    for (const [index, { token }] of users.entries()) {
      receivers.push(await api.openStream(urlOf(target, index), token, (json) => onEvent(index, json)))
    }
  },

  async disconnect(): Promise<void> {
    for (const receiver of current().receivers.splice(0)) receiver.close()
  },

  /** Sends as fast as 32 senders can. */
  async sends(workload: 'existing' | 'first', seconds: number, seed: number): Promise<SendFigures> {
    await using client = openClient(current(), SENDERS)
    reset()
    const random = randomFrom(seed)
    const load: Load = { concurrency: SENDERS, seconds }
    const run = await drive(load, async () => {
      const number = recipients.length
      const { from, to, target } = pick(workload, random)
      recipients.push(to)
      startedAt.push(performance.now())
      await client.send(from, target, textOf(number))
    })
    await delivered(performance.now() + PATIENCE_MS)
    const delays = delaysOf()
    return {
      sends: recipients.length,
      perSecond: perSecondOf(run),
      undelivered: recipients.length - arrived,
      late: delays.filter((delay) => delay > LATE_MS && delay < Number.POSITIVE_INFINITY).length,
      latestMs: delays.reduce(
        (latest, delay) => (delay < Number.POSITIVE_INFINITY && delay > latest ? delay : latest),
        0,
      ),
    }
  },

  /**
   * Sends on a schedule, whether or not the responses keep up. A latency begins when the send was due, so a server that
   * falls behind cannot hide it.
   */
  async rate(perSecond: number, seconds: number, seed: number): Promise<LatencyFigures> {
    const client = openClient(current(), OPEN_LOOP_CONNECTIONS)
    reset()
    const random = randomFrom(seed)
    await pace(perSecond, seconds, (number, dueAt) => {
      const { from, to, target } = pick('existing', random)
      recipients.push(to)
      startedAt.push(dueAt)
      // A failed send is not delivered, and is counted as such.
      client.send(from, target, textOf(number)).then(
        () => completed++,
        () => {},
      )
    })
    await delivered(performance.now() + PATIENCE_MS)
    await client.destroy()
    const sorted = delaysOf().sort((a, b) => a - b)
    return {
      sends: recipients.length,
      undelivered: recipients.length - arrived,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
    }
  },

  async completed(): Promise<number> {
    return completed
  },

  /** Reads pages of 50 at random positions of a conversation, as its two users. */
  async pages(
    target: Target,
    tokens: string[],
    conversationId: string,
    messages: number,
    seconds: number,
    seed: number,
  ): Promise<number> {
    const api = peerApis[target.peer]
    const random = randomFrom(seed)
    const pool = new Pool(urlOf(target, 0), { connections: SENDERS, pipelining: 1 })
    const run: Run = await drive({ concurrency: SENDERS, seconds }, async (index) => {
      const before = PAGE + 1 + Math.floor(random() * (messages - PAGE))
      const { body, statusCode } = await pool.request({
        method: 'GET',
        path: api.pagePath(conversationId, before),
        headers: { authorization: `Bearer ${tokens[index % tokens.length]}` },
      })
      const text = await body.text()
      if (statusCode !== 200) throw new Error(`a page returned ${statusCode}: ${text}`)
    })
    await pool.close()
    return perSecondOf(run)
  },

  /** Opens further streams of the session's users. */
  async idle(count: number): Promise<void> {
    const { target, users, receivers } = current()
    const api = peerApis[target.peer]
    for (let index = 0; index < count; index++) {
      const { token } = users[index % users.length] ?? { token: '' }
      receivers.push(await api.openStream(urlOf(target, index), token, () => {}))
    }
  },

  /**
   * Sends concurrently, and throws unless every message arrives at both users' streams exactly once.
   *
   * @returns the number of events that arrived after a later event of their conversation
   */
  async check(): Promise<number> {
    const { users } = current()
    const seen = new Map<string, number[]>()
    record = (user, json) => {
      const { conversationId, seq } = messageIn(json)
      const key = `${user}:${conversationId}`
      seen.set(key, [...(seen.get(key) ?? []), seq])
    }
    await using client = openClient(current(), SENDERS)
    const sent = await Promise.all(
      Array.from({ length: 300 }, (_, index) => {
        const [from, to] = [[0, 1] as const, [1, 0] as const, [2, 3] as const][index % 3] ?? [0, 1]
        return client.send(from, { to: users[to]?.username ?? '' }, textOf(index)).then((response) => ({
          ...response,
          users: [from, to],
        }))
      }),
    )
    const expected = new Map<string, number[]>()
    for (const { conversationId, seq, users: both } of sent) {
      for (const user of both) {
        const key = `${user}:${conversationId}`
        expected.set(key, [...(expected.get(key) ?? []), seq])
      }
    }
    const deadline = performance.now() + PATIENCE_MS
    const count = (lists: Map<string, number[]>) => [...lists.values()].flat().length
    while (count(seen) < count(expected) && performance.now() < deadline) await pause(TICK_MS)
    // Long enough for an event that arrives twice.
    await pause(100)
    record = undefined
    let unordered = 0
    for (const [key, seqs] of expected) {
      const got = seen.get(key) ?? []
      const sorted = (numbers: number[]) => numbers.toSorted((first, second) => first - second).join()
      if (sorted(got) !== sorted(seqs)) {
        throw new Error(`events of ${key} must be ${sorted(seqs)}, but are ${got.join()}`)
      }
      unordered += got.filter((seq, index) => index > 0 && seq < (got[index - 1] ?? 0)).length
    }
    return unordered
  },
}

export type Commands = typeof commands

interface Sent {
  conversationId: string
  seq: number
}

function openClient({ target, users }: Session, connections: number) {
  const { sendPath } = peerApis[target.peer]
  const each = Math.ceil(connections / target.urls.length)
  const pools = target.urls.map((url) => new Pool(url, { connections: each, pipelining: 1 }))
  return {
    async send(from: number, to: { to: string } | { conversationId: string }, text: string): Promise<Sent> {
      const pool = pools[from % pools.length]
      if (!pool) throw new Error('there is no server')
      const { body, statusCode } = await pool.request({
        method: 'POST',
        path: sendPath,
        headers: { authorization: `Bearer ${users[from]?.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...to, text }),
      })
      const answer = await body.text()
      if (statusCode !== 201) throw new Error(`a send returned ${statusCode}: ${answer}`)
      return JSON.parse(answer) as Sent
    },
    async destroy() {
      await Promise.all(pools.map((pool) => pool.destroy()))
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool.close()))
    },
  }
}

function urlOf({ urls }: Target, user: number): string {
  return urls[user % urls.length] ?? ''
}

function usersOf(pair: number): [number, number] {
  const from = pair % USERS
  return [from, (from + 1 + Math.floor(pair / USERS)) % USERS]
}

interface Pick {
  from: number
  to: number
  target: { to: string } | { conversationId: string }
}

function pick(workload: 'existing' | 'first', random: () => number): Pick {
  const { target, users, conversationIds } = current()
  if (workload === 'existing') {
    const pair = Math.floor(random() * CONVERSATIONS)
    const [from, to] = usersOf(pair)
    const conversationId = conversationIds[pair]
    // The floor has no conversations.
    return target.peer === 'floor' || conversationId === undefined
      ? { from, to, target: { to: users[to]?.username ?? '' } }
      : { from, to, target: { conversationId } }
  }
  const from = Math.floor(random() * USERS)
  const to = (from + 1 + Math.floor(random() * (USERS - 1))) % USERS
  return { from, to, target: { to: users[to]?.username ?? '' } }
}

/** A message of 100 bytes that begins with its number. */
function textOf(number: number): string {
  return `#${number} `.padEnd(TEXT_BYTES, 'x')
}

function reset(): void {
  recipients = []
  startedAt = []
  arrivedAt = []
  arrived = 0
}

function onEvent(user: number, json: string): void {
  const now = performance.now()
  const found = /"text":"#(\d+) /.exec(json)
  if (!found) return
  if (record) {
    record(user, json)
    return
  }
  const number = Number(found[1])
  if (recipients[number] !== user || arrivedAt[number] !== undefined) return
  arrivedAt[number] = now
  arrived++
}

/** Resolves when all messages have arrived, or at the deadline. */
async function delivered(deadline: number): Promise<void> {
  while (arrived < recipients.length && performance.now() < deadline) await pause(TICK_MS)
}

function delaysOf(): number[] {
  return startedAt.map((begin, number) => (arrivedAt[number] ?? Number.POSITIVE_INFINITY) - begin)
}

function messageIn(json: string): Sent {
  const parsed = JSON.parse(json) as Sent & { message?: Sent }
  return parsed.message ?? parsed
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Mulberry32: the same sequence for every server. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Request {
  id: number
  name: keyof Commands
  args: unknown[]
}

process.on('message', async ({ id, name, args }: Request) => {
  try {
    const command = commands[name] as (...values: unknown[]) => Promise<unknown>
    process.send?.({ id, result: await command(...args) })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
