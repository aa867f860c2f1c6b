import type { LogType, Message } from '@sotto/contract'
import { type BulkRows, directKey } from '@sotto/db'
import { sourceOf } from '../messaging/video-source.ts'
import { Random } from './random.ts'
import { altTexts, emojis, linesByLanguage, videos } from './small-talk.ts'

export interface WorldSize {
  users: number
  messages: number
  conversations: number
  /** How many of the messages are in the first conversation. */
  largestConversation: number
}

/** A part of the world that can be written in one transaction, after the parts before it. */
export interface WorldPart {
  rows: BulkRows
  messages: number
}

type Rows<Table extends keyof BulkRows> = NonNullable<BulkRows[Table]>[number]

/** The world's year. Fixed, so that it is the same world whenever it is made. */
const BEGIN = Date.UTC(2025, 0, 1, 8)
const END = Date.UTC(2025, 11, 31, 20)
const SEED = 20_250_101

/** Large enough that transactions do not cost, small enough that a server beside gets its turn. */
const PART_MESSAGES = 20_000
const PART_USERS = 10_000
/** People write several messages in a row, then nothing for a while. */
const MEAN_BURST = 12
/** Between two messages of a burst at most, on average, in milliseconds. */
const MAX_PAUSE_MS = 45_000
/** How skewed activity is: 1 is even, larger is more skewed. */
const SKEW = 3

const firstNames =
  'amina ben chloe daniel elif farid grace hana ivan julia kofi lena mateo nadia omar priya quentin rosa sven tara umar vera wei ximena yusuf zoe'
const lastNames =
  'adler berg castro diaz ekwueme farah garcia haddad ito jansen khan lopez meyer nguyen okafor petrov quist rossi sato tanaka ueda varga weber xu yilmaz zhang'

/**
 * Who is in the world: the number in a username is the place in the list, from 1. The first one's profile is
 * changed when the world is complete.
 */
export function worldUser(index: number): { id: string; username: string; displayName: string } {
  const random = new Random(SEED + index + 1)
  const first = random.pick(names.first)
  const last = random.pick(names.last)
  return {
    id: random.id(BEGIN + index),
    username: `${first}.${last}.${index + 1}`,
    displayName: `${upperFirst(first)} ${upperFirst(last)}`,
  }
}

const names = { first: firstNames.split(' '), last: lastNames.split(' ') }

function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** How many conversations these users can have. */
export function possibleConversations(users: number): number {
  return (users * (users - 1)) / 2
}

/**
 * Makes a world of any size, part by part, in the order of time: each part leaves the database as if everything
 * up to then had been sent, read, liked, edited and deleted through the server.
 */
export function* generateWorld(size: WorldSize): Generator<WorldPart, void, void> {
  const userIds: string[] = []
  for (let from = 0; from < size.users; from += PART_USERS) {
    const users: Rows<'users'>[] = []
    for (let index = from; index < Math.min(from + PART_USERS, size.users); index++) {
      const row = userRow(index, BEGIN)
      userIds.push(row.id)
      users.push(row)
    }
    yield { rows: { users }, messages: 0 }
  }
  const random = new Random(SEED)
  const plans = planConversations(random, size)
  const writer = new WorldWriter()
  const pauseMs = Math.min(MAX_PAUSE_MS, (END - BEGIN) / size.messages)
  let time = BEGIN
  let done = 0
  for (const entry of scheduleBursts(random, plans)) {
    const plan = plans[entry % SCHEDULE_BASE]
    if (!plan) throw new Error('the schedule names a conversation that is not planned')
    const length = burstLength(random, plan)
    plan.messages -= length
    plan.bursts--
    plan.conversation ??= newConversation(random, time, plan, userIds)
    time = talk({ random, writer, time, pauseMs, length }, plan.conversation)
    done += length
    // The year passes evenly, whatever the pauses within the bursts were.
    time = Math.max(time + 1, BEGIN + Math.floor(((END - BEGIN) * done) / size.messages))
    if (writer.messages >= PART_MESSAGES) yield writer.takePart()
  }
  const last = writer.takePart()
  yield { ...last, rows: { ...last.rows, users: [userRow(0, END)] } }
}

function userRow(index: number, updatedAt: number): Rows<'users'> {
  const { id, username, displayName } = worldUser(index)
  return {
    id,
    username,
    display_name: displayName,
    display_name_key: displayName.toLowerCase(),
    first_name: null,
    last_name: null,
    email: null,
    email_key: null,
    avatar_url: null,
    password_hash: null,
    role: 'user',
    disabled_at: null,
    created_at: new Date(BEGIN),
    updated_at: new Date(updatedAt),
  }
}

interface Plan {
  /** Indexes of the two users; equal for notes to self. */
  pair: readonly [number, number]
  /** How many are still to be sent, in how many bursts. */
  messages: number
  bursts: number
  conversation: Conversation | undefined
}

function planConversations(random: Random, size: WorldSize): Plan[] {
  const pairs = choosePairs(random, size)
  const messages = new Array<number>(size.conversations).fill(1)
  messages[0] = size.largestConversation
  let left = size.messages - size.largestConversation - (size.conversations - 1)
  // The first conversation has its size; the others share the rest, some much, most little.
  for (let index = 1; index < size.conversations && left > 0; index++) {
    const rest = size.conversations - index
    const share =
      index === size.conversations - 1
        ? left
        : Math.round((left / rest) * random.fraction() ** SKEW * (SKEW + 1))
    const more = Math.min(share, left)
    messages[index] = 1 + more
    left -= more
  }
  return pairs.map((pair, index) => {
    const count = messages[index] ?? 1
    return {
      pair,
      messages: count,
      bursts: Math.max(1, Math.round(count / MEAN_BURST)),
      conversation: undefined,
    }
  })
}

/** Every so many conversations, one is notes to self. */
const NOTES_EVERY = 50

function choosePairs(random: Random, size: WorldSize): [number, number][] {
  const taken = new Set([pairKey(0, 1)])
  const pairs: [number, number][] = [[0, 1]]
  while (pairs.length < size.conversations) {
    // A few know many, most know few.
    let a = Math.floor(size.users * random.fraction() ** SKEW)
    let b = pairs.length % NOTES_EVERY === NOTES_EVERY - 1 ? a : random.int(0, size.users - 1)
    if (taken.has(pairKey(a, b))) b = random.int(0, size.users - 1)
    // Where most pairs are taken, the next free one.
    while (taken.has(pairKey(a, b)) || (a === b && pairs.length % NOTES_EVERY !== NOTES_EVERY - 1)) {
      b = (b + 1) % size.users
      if (b === 0) a = (a + 1) % size.users
    }
    taken.add(pairKey(a, b))
    pairs.push([a, b])
  }
  return pairs

  function pairKey(a: number, b: number): number {
    return Math.min(a, b) * size.users + Math.max(a, b)
  }
}

/** A schedule entry is a number: the moment, then the conversation below this base. They sort by time. */
const SCHEDULE_BASE = 2 ** 20
export const MAX_CONVERSATIONS = SCHEDULE_BASE

function scheduleBursts(random: Random, plans: readonly Plan[]): Float64Array {
  const schedule = new Float64Array(plans.reduce((sum, plan) => sum + plan.bursts, 0))
  let next = 0
  for (const [index, plan] of plans.entries()) {
    for (let burst = 0; burst < plan.bursts; burst++)
      schedule[next++] = random.uint32() * SCHEDULE_BASE + index
  }
  return schedule.sort()
}

function burstLength(random: Random, plan: Plan): number {
  if (plan.bursts <= 1) return plan.messages
  const mean = plan.messages / plan.bursts
  // Every burst still to come has at least one.
  return Math.min(random.int(1, Math.max(1, Math.round(2 * mean) - 1)), plan.messages - (plan.bursts - 1))
}

interface Member {
  id: string
  readSeq: number
  deliveredSeq: number
  unread: number
  sent: number
}

interface Conversation {
  id: string
  /** Who began it, and the other one; only one in notes to self. */
  members: readonly [Member, ...Member[]]
  language: readonly (readonly { speaker: 0 | 1; text: string }[])[]
  lastSeq: number
  createdAt: number
  activeAt: number
}

const ENGLISH_SHARE = 0.4

function newConversation(
  random: Random,
  time: number,
  { pair: [a, b] }: Plan,
  userIds: readonly string[],
): Conversation {
  const [english] = linesByLanguage
  const member = (index: number): Member => ({
    id: userIds[index] ?? '',
    readSeq: 0,
    deliveredSeq: 0,
    unread: 0,
    sent: 0,
  })
  return {
    id: random.id(time),
    members: a === b ? [member(a)] : [member(a), member(b)],
    language: english && random.chance(ENGLISH_SHARE) ? english : random.pick(linesByLanguage),
    lastSeq: 0,
    createdAt: time,
    activeAt: time,
  }
}

interface Talk {
  random: Random
  writer: WorldWriter
  /** When it begins. */
  time: number
  pauseMs: number
  length: number
}

const REPLY_READS = 0.5
const END_IS_READ = 0.85
const END_IS_DELIVERED = 0.5

/** One burst of messages. @returns when it was over. */
function talk({ random, writer, time, pauseMs, length }: Talk, conversation: Conversation): number {
  const [first, second = first] = conversation.members
  const speakers = random.chance(0.5) ? ([first, second] as const) : ([second, first] as const)
  let now = time
  let replied = false
  let lines = random.pick(conversation.language)
  let next = 0
  for (let count = 0; count < length; count++) {
    if (next === lines.length) {
      lines = random.pick(conversation.language)
      next = 0
    }
    const line = lines[next++]
    const sender = speakers[line?.speaker ?? 0]
    const other = sender === first ? second : first
    if (line?.speaker === 1 && !replied) {
      replied = true
      if (sender !== other && random.chance(REPLY_READS)) writer.read(conversation, sender, now)
    }
    writer.send(random, conversation, sender, other, line?.text ?? '', now)
    now += Math.max(1, Math.floor(pauseMs * (0.5 + random.fraction())))
  }
  for (const member of conversation.members) {
    if (member.unread === 0) continue
    if (random.chance(END_IS_READ)) writer.read(conversation, member, now)
    else if (random.chance(END_IS_DELIVERED)) writer.deliver(conversation, member, now)
  }
  return now
}

const IMAGE_SHARE = 0.07
const VIDEO_SHARE = 0.02
const REACTION_SHARE = 0.05
const EDIT_SHARE = 0.01
const DELETE_SHARE = 0.005

/** Does in memory what the use cases do in the database, and gathers the rows. */
class WorldWriter {
  messages = 0
  #rows = emptyRows()
  readonly #touched = new Set<Conversation>()

  /** What was gathered since the last time. */
  takePart(): WorldPart {
    for (const conversation of this.#touched) this.#addState(conversation)
    const part = { rows: this.#rows, messages: this.messages }
    this.#rows = emptyRows()
    this.#touched.clear()
    this.messages = 0
    return part
  }

  /** As sendMessage, and now and then what is done to a message. */
  send(
    random: Random,
    conversation: Conversation,
    sender: Member,
    other: Member,
    line: string,
    time: number,
  ): void {
    const at = new Date(time)
    if (conversation.lastSeq === 0) this.#tell('conversation.created', conversation, sender, null, 0, at)
    const seq = ++conversation.lastSeq
    conversation.activeAt = time
    sender.sent++
    if (sender.readSeq === seq - 1) sender.readSeq = seq
    if (other !== sender) other.unread++
    const text = fillIn(random, line)
    const { kind, media } = mediaOf(random)
    const message = {
      id: random.id(time),
      conversation_id: conversation.id,
      seq,
      sender_id: sender.id,
      recipient_id: other.id,
      kind,
      text: kind === 'text' || random.chance(0.5) ? text : null,
      media: media && JSON.stringify(media),
      client_message_id: null,
      content_hash: null,
      reactions: null as string | null,
      created_at: at,
      edited_at: null as Date | null,
      deleted_at: null as Date | null,
    }
    this.#rows.messages.push(message)
    this.messages++
    this.#touched.add(conversation)
    this.#tell('message.created', conversation, sender, message.id, seq, at)

    const draft = [...(message.text ?? '')].slice(0, -1).join('')
    if (draft.trim() !== '' && random.chance(EDIT_SHARE)) {
      this.#rows.message_edits.push({ message_id: message.id, version: 1, text: draft, replaced_at: at })
      message.edited_at = at
      this.#tell('message.edited', conversation, sender, message.id, seq, at)
    }
    if (random.chance(REACTION_SHARE)) {
      const emoji = random.pick(emojis)
      this.#rows.reactions.push({ message_id: message.id, user_id: other.id, emoji, created_at: at })
      message.reactions = JSON.stringify([[emoji, 1]])
      this.#tell('reaction.added', conversation, other, message.id, seq, at, emoji)
    } else if (message.edited_at === null && random.chance(DELETE_SHARE)) {
      message.text = null
      message.media = null
      message.deleted_at = at
      if (other !== sender && other.readSeq < seq) other.unread--
      this.#tell('message.deleted', conversation, sender, message.id, seq, at)
    }
  }

  /** As markRead, up to the last message. */
  read(conversation: Conversation, member: Member, time: number): void {
    const seq = conversation.lastSeq
    if (seq <= member.readSeq) return
    this.deliver(conversation, member, time)
    member.readSeq = seq
    member.unread = 0
    this.#receive('read', conversation, member, time)
  }

  /** As receipts.moveDeliveredMarks, up to the last message. */
  deliver(conversation: Conversation, member: Member, time: number): void {
    if (conversation.lastSeq <= member.deliveredSeq) return
    member.deliveredSeq = conversation.lastSeq
    this.#receive('delivered', conversation, member, time)
  }

  #receive(kind: 'read' | 'delivered', conversation: Conversation, member: Member, time: number): void {
    const at = new Date(time)
    const seq = conversation.lastSeq
    this.#rows.receipts.push({
      conversation_id: conversation.id,
      user_id: member.id,
      kind,
      seq,
      receipt_at: at,
    })
    this.#touched.add(conversation)
    this.#tell(`receipt.${kind}`, conversation, member, null, seq, at)
  }

  #tell(
    type: LogType,
    conversation: Conversation,
    member: Member,
    messageId: string | null,
    seq: number,
    at: Date,
    detail: string | null = null,
  ): void {
    this.#rows.events.push({
      type,
      conversation_id: conversation.id,
      audience_user_id: null,
      user_id: member.id,
      message_id: messageId,
      seq,
      detail,
      created_at: at,
    })
  }

  #addState(conversation: Conversation): void {
    const [first, second = first] = conversation.members
    const createdAt = new Date(conversation.createdAt)
    const activeAt = new Date(conversation.activeAt)
    this.#rows.conversations.push({
      id: conversation.id,
      kind: 'direct',
      name: null,
      direct_key: directKey(first.id, second.id),
      last_seq: conversation.lastSeq,
      participant_count: conversation.members.length,
      created_at: createdAt,
      updated_at: activeAt,
    })
    for (const member of conversation.members) {
      this.#rows.participants.push({
        conversation_id: conversation.id,
        user_id: member.id,
        role: 'member',
        read_seq: member.readSeq,
        delivered_seq: member.deliveredSeq,
        skipped_count: conversation.lastSeq - member.readSeq - member.unread,
        sent_count: member.sent,
        joined_at: createdAt,
        after_seq: 0,
        until_seq: null,
        first_event_id: 0,
        last_event_id: null,
        left_at: null,
        active_at: activeAt,
      })
    }
  }
}

function emptyRows() {
  return {
    conversations: [] as Rows<'conversations'>[],
    participants: [] as Rows<'participants'>[],
    messages: [] as Rows<'messages'>[],
    message_edits: [] as Rows<'message_edits'>[],
    reactions: [] as Rows<'reactions'>[],
    receipts: [] as Rows<'receipts'>[],
    events: [] as Rows<'events'>[],
  }
}

function fillIn(random: Random, text: string): string {
  if (!text.includes('{')) return text
  return text
    .replaceAll('{n}', () => String(random.int(2, 60)))
    .replaceAll('{time}', () => `${random.int(7, 21)}:${random.pick(['00', '15', '30', '45'])}`)
}

const PICTURES = 1_000

function mediaOf(random: Random): {
  kind: 'text' | 'image' | 'video'
  media: Message['image'] | Message['video']
} {
  const share = random.fraction()
  if (share < IMAGE_SHARE) {
    const [width, height] = random.pick([
      [1200, 800],
      [800, 1200],
      [1024, 1024],
    ] as const)
    const url = `https://picsum.photos/id/${random.int(1, PICTURES)}/${width}/${height}`
    return { kind: 'image', media: { url, width, height, alt: random.pick(altTexts) } }
  }
  if (share < IMAGE_SHARE + VIDEO_SHARE) {
    const { url, durationSeconds, ...size } = random.pick(videos)
    const { width = null, height = null } = size as { width?: number; height?: number }
    return { kind: 'video', media: { url, source: sourceOf(url), durationSeconds, width, height } }
  }
  return { kind: 'text', media: null }
}
