import type { LogType, Message } from '@sotto/contract'
import { type BulkRows, directKey, foldName } from '@sotto/db'
import { sourceOf } from '../messaging/video-source.ts'
import { Random } from './random.ts'
import { altTexts, emojis, linesByLanguage, videos } from './sample-content.ts'

export interface DataSize {
  users: number
  messages: number
  conversations: number
  /** The number of messages in the largest conversation, which is the first one. */
  largestConversation: number
}

/** The rows of one transaction. Depends on the earlier batches. */
export interface Batch {
  rows: BulkRows
  messages: number
}

type Rows<Table extends keyof BulkRows> = NonNullable<BulkRows[Table]>[number]

/** The period of the data. Fixed, so that the data is the same on every run. */
const BEGIN = Date.UTC(2025, 0, 1, 8)
const END = Date.UTC(2025, 11, 31, 20)
const SEED = 20_250_101

/** Large enough to amortize the transaction, small enough for a running server to write in between. */
const BATCH_MESSAGES = 20_000
const BATCH_USERS = 10_000
/** The mean number of messages that users exchange in quick succession. */
const MEAN_BURST = 12
/** The maximum mean pause between two messages of a burst, in milliseconds. */
const MAX_PAUSE_MS = 45_000
/** How unevenly activity is distributed: 1 is even, larger values are more skewed. */
const SKEW = 3

const firstNames =
  'amina ben chloe daniel elif farid grace hana ivan julia kofi lena mateo nadia omar priya quentin rosa sven tara umar vera wei ximena yusuf zoe'
const lastNames =
  'adler berg castro diaz ekwueme farah garcia haddad ito jansen khan lopez meyer nguyen okafor petrov quist rossi sato tanaka ueda varga weber xu yilmaz zhang'

/**
 * A user of the data set. The username ends with the user's number, starting at 1. The profile of the first user is
 * updated last, which marks the data set as complete.
 */
export function sampleUser(index: number): { id: string; username: string; displayName: string } {
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

/** The maximum number of conversations between this many users. */
export function possibleConversations(users: number): number {
  return (users * (users - 1)) / 2
}

/**
 * Generates a data set in chronological batches. After each batch the database is consistent, as if everything so far
 * had been sent, read, liked, edited and deleted through the server.
 */
export function* generateLargeData(size: DataSize): Generator<Batch, void, void> {
  const userIds: string[] = []
  for (let from = 0; from < size.users; from += BATCH_USERS) {
    const users: Rows<'users'>[] = []
    for (let index = from; index < Math.min(from + BATCH_USERS, size.users); index++) {
      const row = userRow(index, BEGIN)
      userIds.push(row.id)
      users.push(row)
    }
    yield { rows: { users }, messages: 0 }
  }
  const random = new Random(SEED)
  const plans = planConversations(random, size)
  const recorder = new RowRecorder()
  const pauseMs = Math.min(MAX_PAUSE_MS, (END - BEGIN) / size.messages)
  let time = BEGIN
  let done = 0
  for (const entry of scheduleBursts(random, plans)) {
    const plan = plans[entry % SCHEDULE_BASE]
    if (!plan) throw new Error('the schedule refers to an unknown conversation')
    const length = burstLength(random, plan)
    plan.messages -= length
    plan.bursts--
    plan.conversation ??= newConversation(random, time, plan, userIds)
    time = recordBurst({ random, recorder, time, pauseMs, length }, plan.conversation)
    done += length
    // Spreads the bursts evenly over the period, independent of the pauses within them.
    time = Math.max(time + 1, BEGIN + Math.floor(((END - BEGIN) * done) / size.messages))
    if (recorder.messages >= BATCH_MESSAGES) yield recorder.takeBatch()
  }
  const last = recorder.takeBatch()
  yield { ...last, rows: { ...last.rows, users: [userRow(0, END)] } }
}

function userRow(index: number, updatedAt: number): Rows<'users'> {
  const { id, username, displayName } = sampleUser(index)
  return {
    id,
    username,
    display_name: displayName,
    display_name_key: foldName(displayName),
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
  /** The remaining messages and bursts. */
  messages: number
  bursts: number
  conversation: Conversation | undefined
}

function planConversations(random: Random, size: DataSize): Plan[] {
  const pairs = choosePairs(random, size)
  const messages = new Array<number>(size.conversations).fill(1)
  messages[0] = size.largestConversation
  let left = size.messages - size.largestConversation - (size.conversations - 1)
  // The first conversation has a fixed size. The others share the rest unevenly.
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

/** One in this many conversations is notes to self. */
const NOTES_EVERY = 50

function choosePairs(random: Random, size: DataSize): [number, number][] {
  const taken = new Set([pairKey(0, 1)])
  const pairs: [number, number][] = [[0, 1]]
  while (pairs.length < size.conversations) {
    // A few users have many conversations, most have few.
    let a = Math.floor(size.users * random.fraction() ** SKEW)
    let b = pairs.length % NOTES_EVERY === NOTES_EVERY - 1 ? a : random.int(0, size.users - 1)
    if (taken.has(pairKey(a, b))) b = random.int(0, size.users - 1)
    // If the pair is taken, use the next free one.
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

/** Schedule entries encode a random time and a conversation: `time * SCHEDULE_BASE + index`. They sort by time. */
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
  // Leaves at least one message for each remaining burst.
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
  /** The user who started it, then the other user, if any: notes to self have one member. */
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

interface Burst {
  random: Random
  recorder: RowRecorder
  /** The time of the first message. */
  time: number
  pauseMs: number
  length: number
}

/** Probabilities: that a reply marks the conversation as read, and the state of a burst at its end. */
const REPLY_READS = 0.5
const END_IS_READ = 0.85
const END_IS_DELIVERED = 0.5

/** Records a burst of messages. @returns the time of its end. */
function recordBurst({ random, recorder, time, pauseMs, length }: Burst, conversation: Conversation): number {
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
      if (sender !== other && random.chance(REPLY_READS)) recorder.read(conversation, sender, now)
    }
    recorder.send(random, conversation, sender, other, line?.text ?? '', now)
    now += Math.max(1, Math.floor(pauseMs * (0.5 + random.fraction())))
  }
  for (const member of conversation.members) {
    if (member.unread === 0) continue
    if (random.chance(END_IS_READ)) recorder.read(conversation, member, now)
    else if (random.chance(END_IS_DELIVERED)) recorder.deliver(conversation, member, now)
  }
  return now
}

const IMAGE_SHARE = 0.07
const VIDEO_SHARE = 0.02
const REACTION_SHARE = 0.05
const EDIT_SHARE = 0.01
const DELETE_SHARE = 0.005

/** Collects the rows that the use cases would write. */
class RowRecorder {
  messages = 0
  #rows = emptyRows()
  readonly #touched = new Set<Conversation>()

  /** Returns the rows collected since the last call. */
  takeBatch(): Batch {
    for (const conversation of this.#touched) this.#addState(conversation)
    const batch = { rows: this.#rows, messages: this.messages }
    this.#rows = emptyRows()
    this.#touched.clear()
    this.messages = 0
    return batch
  }

  /** Like sendMessage. Some messages are also edited, reacted to or deleted. */
  send(
    random: Random,
    conversation: Conversation,
    sender: Member,
    other: Member,
    line: string,
    time: number,
  ): void {
    const at = new Date(time)
    if (conversation.lastSeq === 0) this.#addEvent('conversation.created', conversation, sender, null, 0, at)
    const seq = ++conversation.lastSeq
    conversation.activeAt = time
    sender.sent++
    if (sender.readSeq === seq - 1) sender.readSeq = seq
    if (other !== sender) other.unread++
    const text = fillPlaceholders(random, line)
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
    this.#addEvent('message.created', conversation, sender, message.id, seq, at)

    const draft = [...(message.text ?? '')].slice(0, -1).join('')
    if (draft.trim() !== '' && random.chance(EDIT_SHARE)) {
      this.#rows.message_edits.push({
        message_id: message.id,
        version: 1,
        text: draft,
        replaced_at: at,
        event_id: null,
      })
      message.edited_at = at
      this.#addEvent('message.edited', conversation, sender, message.id, seq, at)
    }
    if (random.chance(REACTION_SHARE)) {
      const emoji = random.pick(emojis)
      this.#rows.reactions.push({ message_id: message.id, user_id: other.id, emoji, created_at: at })
      message.reactions = JSON.stringify([[emoji, 1]])
      this.#addEvent('reaction.added', conversation, other, message.id, seq, at, emoji)
    } else if (message.edited_at === null && random.chance(DELETE_SHARE)) {
      message.text = null
      message.media = null
      message.deleted_at = at
      if (other !== sender && other.readSeq < seq) other.unread--
      this.#addEvent('message.deleted', conversation, sender, message.id, seq, at)
    }
  }

  /** Like markRead, up to the last message. */
  read(conversation: Conversation, member: Member, time: number): void {
    const seq = conversation.lastSeq
    if (seq <= member.readSeq) return
    this.deliver(conversation, member, time)
    member.readSeq = seq
    member.unread = 0
    this.#addReceipt('read', conversation, member, time)
  }

  /** Like receipts.moveDeliveredMarks, up to the last message. */
  deliver(conversation: Conversation, member: Member, time: number): void {
    if (conversation.lastSeq <= member.deliveredSeq) return
    member.deliveredSeq = conversation.lastSeq
    this.#addReceipt('delivered', conversation, member, time)
  }

  #addReceipt(kind: 'read' | 'delivered', conversation: Conversation, member: Member, time: number): void {
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
    this.#addEvent(`receipt.${kind}`, conversation, member, null, seq, at)
  }

  #addEvent(
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

function fillPlaceholders(random: Random, text: string): string {
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
