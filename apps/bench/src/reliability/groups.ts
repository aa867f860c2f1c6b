import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { callUntilDone, RejectedCall } from './calls.ts'
import { Reader } from './reader.ts'

const GROUPS = 20
/** Members besides the owner. The owner stays in the group and so receives all events. */
const OTHERS = 9
const USERS = 40
const SENDERS = 16
/** The number of messages per user who is added or removed. */
const SENDS_PER_MOVE = 10
/** How long to wait for the last events, in milliseconds. */
const TIMEOUT_MS = 20_000

export interface GroupsReport {
  sent: number
  /** How often a user was added or removed. */
  moves: number
  disconnects: number
  /** Events received that were due: one per reader and event in a stay of theirs. */
  delivered: number
  /** Events that were due but never received. */
  undelivered: number
  /** Events received by a user who was not in the group at the time. */
  outside: number
  /** Conversations whose messages arrived out of order. */
  disordered: number
  resyncs: number
}

interface Group {
  id: string
  owner: string
  /** The ids of the initial members. */
  first: ReadonlySet<string>
}

interface LogEvent {
  id: string
  type: string
  conversationId: string | null
  userId?: string
  message?: { id: string }
}

/**
 * Adds users to groups and removes them while everyone sends and readers are disconnected.
 *
 * The expected events do not depend on the server's stays: they follow from the order of the events that the owner of
 * each group receives.
 */
export async function measureGroups(
  urls: readonly string[],
  { messages, disconnects }: { messages: number; disconnects: number },
): Promise<GroupsReport> {
  const users = Array.from({ length: USERS }, (_, i) => `member${i}`)
  const owners = Array.from({ length: GROUPS }, (_, i) => `owner${i}`)
  const ids = new Map<string, string>()
  for (const username of [...users, ...owners]) {
    const { id } = (await callUntilDone(urls, '/v1/users', undefined, { username })) as { id: string }
    ids.set(username, id)
  }
  const cursorOf = async (name: string) =>
    ((await callUntilDone(urls, '/v1/events/pull', name)) as { cursor: string }).cursor
  const readers = new Map<string, Reader>()
  for (const [i, name] of users.entries()) {
    readers.set(name, new Reader(name, i % 2 === 0 ? 'sse' : 'ws', urls, await cursorOf(name)))
  }
  const logs = new Map<string, string>()
  for (const owner of owners) logs.set(owner, await cursorOf(owner))

  const groups: Group[] = []
  /** The members of each group as far as known: calls in progress are not included. */
  const members = new Map<string, Set<string>>()
  for (const [i, owner] of owners.entries()) {
    const others = Array.from({ length: OTHERS }, (_, n) => users[(i * OTHERS + n) % USERS] ?? '')
    const body = { name: `Group ${i}`, participants: others }
    const { id } = (await callUntilDone(urls, '/v1/conversations', owner, body)) as { id: string }
    groups.push({ id, owner, first: new Set(others.map((name) => ids.get(name) ?? '')) })
    members.set(id, new Set(others))
  }

  let sent = 0
  let moves = 0
  let cuts = 0
  async function move(group: Group): Promise<void> {
    const present = members.get(group.id) ?? new Set()
    const user = randomOf(users)
    const path = `/v1/conversations/${group.id}/participants/${user}`
    if (present.has(user)) {
      present.delete(user)
      await callUntilDone(urls, path, group.owner, undefined, { method: 'DELETE' })
    } else {
      await callUntilDone(urls, path, group.owner, {}, { method: 'PUT' })
      present.add(user)
    }
    moves++
  }
  async function send(n: number): Promise<void> {
    for (;;) {
      const group = randomOf(groups)
      const sender = randomOf([group.owner, ...(members.get(group.id) ?? [])])
      const body = { conversationId: group.id, text: `message ${n}`, clientMessageId: randomUUID() }
      try {
        await callUntilDone(urls, '/v1/messages', sender, body)
        return
      } catch (error) {
        // The sender was removed in the meantime.
        if (!(error instanceof RejectedCall) || error.status !== 404) throw error
      }
    }
  }
  await Promise.all(
    Array.from({ length: SENDERS }, async (_, worker) => {
      while (sent < messages) {
        const n = sent++
        if (n % SENDS_PER_MOVE === 0)
          await move(groups[(n / SENDS_PER_MOVE + worker) % GROUPS] ?? randomOf(groups))
        await send(n)
        if (n * disconnects >= cuts * messages && cuts < disconnects) {
          cuts++
          readers.get(randomOf(users))?.disconnect()
        }
      }
    }),
  )

  const report: GroupsReport = {
    ...{ sent, moves, disconnects: cuts },
    ...{ delivered: 0, undelivered: 0, outside: 0, disordered: 0, resyncs: 0 },
  }
  const all: LogEvent[] = []
  for (const { id, owner } of groups) {
    const log = await readLog(urls, owner, logs.get(owner) ?? '')
    // Events about the group itself show its current state, which only current members can see.
    all.push(...log.filter((event) => event.conversationId === id && !event.type.startsWith('conversation.')))
  }
  for (const [name, reader] of readers) {
    const due = dueTo(ids.get(name) ?? '', groups, all)
    const { tally } = reader
    const deadline = performance.now() + TIMEOUT_MS
    const isMissing = () => due.some((event) => !tally.seen.has(event.id))
    while (isMissing() && performance.now() < deadline) await wait(50)
    await reader.stop()
    const dueIds = new Set(due.map((event) => event.id))
    for (const { id } of due) report[tally.seen.has(id) ? 'delivered' : 'undelivered']++
    for (const { id } of all) if (tally.seen.has(id) && !dueIds.has(id)) report.outside++
    for (const { id } of groups) {
      const messageIds = new Set(
        due.filter((event) => event.conversationId === id).flatMap((event) => event.message?.id ?? []),
      )
      const read = [...tally.messageIds].filter((id) => messageIds.has(id))
      if (read.join() !== [...messageIds].join()) report.disordered++
    }
    report.resyncs += tally.resyncs
  }
  return report
}

/** The events in a user's stays, including those that begin and end them. */
function dueTo(userId: string, groups: readonly Group[], log: readonly LogEvent[]): LogEvent[] {
  const present = new Set(groups.filter(({ first }) => first.has(userId)).map(({ id }) => id))
  return log.filter((event) => {
    const group = event.conversationId ?? ''
    const isTheirs = event.userId === userId
    if (event.type === 'participant.joined' && isTheirs) present.add(group)
    const isDue = present.has(group)
    if (event.type === 'participant.left' && isTheirs) present.delete(group)
    return isDue
  })
}

/** The events that the owner of a group receives, in order. */
async function readLog(urls: readonly string[], owner: string, from: string): Promise<LogEvent[]> {
  const log: LogEvent[] = []
  for (let cursor = from; ; ) {
    const query = `cursor=${encodeURIComponent(cursor)}&wait=1`
    const page = (await callUntilDone(urls, `/v1/events/pull?${query}`, owner)) as {
      items: LogEvent[]
      cursor: string
    }
    if (page.items.length === 0) return log
    log.push(...page.items)
    cursor = page.cursor
  }
}

function randomOf<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)]
  if (item === undefined) throw new RangeError('the list is empty')
  return item
}
