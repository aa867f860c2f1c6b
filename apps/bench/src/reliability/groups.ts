import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { callUntilDone, RefusedCall } from './calls.ts'
import { Reader } from './reader.ts'

const GROUPS = 20
/** Besides the owner, who stays in the group and so is told of everything. */
const OTHERS = 9
const PEOPLE = 40
const SENDERS = 16
/** How many messages are sent for one who is added or removed. */
const SENDS_A_MOVE = 10
/** How long the last events may take, in milliseconds. */
const LATE_MS = 20_000

export interface GroupsReport {
  sent: number
  /** How often somebody was added or removed. */
  moves: number
  disconnects: number
  /** Of those that were due: one for each reader and event of a stay of theirs. */
  delivered: number
  /** Of a stay, and never read. */
  undelivered: number
  /** Read by somebody who was not in the group then. */
  outside: number
  /** Messages that came in another order than they have. */
  disordered: number
  resyncs: number
}

interface Group {
  id: string
  owner: string
  /** The ids of those it began with. */
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
 * Groups that people are added to and removed from while everybody sends, by readers that are cut off.
 *
 * Who is to be told of what is not asked of the server's stays: it follows from the order of what the owner of each
 * group is told afterwards.
 */
export async function measureGroups(
  urls: readonly string[],
  { messages, disconnects }: { messages: number; disconnects: number },
): Promise<GroupsReport> {
  const people = Array.from({ length: PEOPLE }, (_, i) => `member${i}`)
  const owners = Array.from({ length: GROUPS }, (_, i) => `owner${i}`)
  const ids = new Map<string, string>()
  for (const username of [...people, ...owners]) {
    const { id } = (await callUntilDone(urls, '/v1/users', undefined, { username })) as { id: string }
    ids.set(username, id)
  }
  const cursorOf = async (name: string) =>
    ((await callUntilDone(urls, '/v1/events/pull', name)) as { cursor: string }).cursor
  const readers = new Map<string, Reader>()
  for (const [i, name] of people.entries()) {
    readers.set(name, new Reader(name, i % 2 === 0 ? 'sse' : 'ws', urls, await cursorOf(name)))
  }
  const logs = new Map<string, string>()
  for (const owner of owners) logs.set(owner, await cursorOf(owner))

  const groups: Group[] = []
  /** Who is in each group as far as this program knows: calls that are on their way are not in it yet. */
  const members = new Map<string, Set<string>>()
  for (const [i, owner] of owners.entries()) {
    const others = Array.from({ length: OTHERS }, (_, n) => people[(i * OTHERS + n) % PEOPLE] ?? '')
    const body = { name: `Group ${i}`, participants: others }
    const { id } = (await callUntilDone(urls, '/v1/conversations', owner, body)) as { id: string }
    groups.push({ id, owner, first: new Set(others.map((name) => ids.get(name) ?? '')) })
    members.set(id, new Set(others))
  }

  let sent = 0
  let moves = 0
  let cuts = 0
  async function move(group: Group): Promise<void> {
    const inIt = members.get(group.id) ?? new Set()
    const user = randomOf(people)
    const path = `/v1/conversations/${group.id}/participants/${user}`
    if (inIt.has(user)) {
      inIt.delete(user)
      await callUntilDone(urls, path, group.owner, undefined, { method: 'DELETE' })
    } else {
      await callUntilDone(urls, path, group.owner, {}, { method: 'PUT' })
      inIt.add(user)
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
        // Removed while it was on its way.
        if (!(error instanceof RefusedCall) || error.status !== 404) throw error
      }
    }
  }
  await Promise.all(
    Array.from({ length: SENDERS }, async (_, worker) => {
      while (sent < messages) {
        const n = sent++
        if (n % SENDS_A_MOVE === 0)
          await move(groups[(n / SENDS_A_MOVE + worker) % GROUPS] ?? randomOf(groups))
        await send(n)
        if (n * disconnects >= cuts * messages && cuts < disconnects) {
          cuts++
          readers.get(randomOf(people))?.disconnect()
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
    // What tells of the group itself shows it as it stands when it is read, which is for those who are in it then.
    all.push(...log.filter((event) => event.conversationId === id && !event.type.startsWith('conversation.')))
  }
  for (const [name, reader] of readers) {
    const due = dueTo(ids.get(name) ?? '', groups, all)
    const { tally } = reader
    const deadline = performance.now() + LATE_MS
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
      const read = [...tally.messageIds].filter((one) => messageIds.has(one))
      if (read.join() !== [...messageIds].join()) report.disordered++
    }
    report.resyncs += tally.resyncs
  }
  return report
}

/** The events of somebody's stays, with the one that begins it and the one that ends it. */
function dueTo(userId: string, groups: readonly Group[], log: readonly LogEvent[]): LogEvent[] {
  const inIt = new Set(groups.filter(({ first }) => first.has(userId)).map(({ id }) => id))
  return log.filter((event) => {
    const group = event.conversationId ?? ''
    const isTheirs = event.userId === userId
    if (event.type === 'participant.joined' && isTheirs) inIt.add(group)
    const isDue = inIt.has(group)
    if (event.type === 'participant.left' && isTheirs) inIt.delete(group)
    return isDue
  })
}

/** What the owner of a group is told of it, in order. */
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
  if (item === undefined) throw new RangeError('of nothing')
  return item
}
