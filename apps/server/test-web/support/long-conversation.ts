import { type BulkRows, directKey, openDatabase, store } from '@sotto/db'
import { sotto } from '@sotto/testing/internal'
import { createIds } from '../../src/lib/ids.ts'

/** Messages per transaction. */
const BATCH_SIZE = 20_000
const MINUTE_MS = 60_000

/** A direct conversation of alice and bob, who can both sign in. The text of each message is its number. */
export interface LongConversation {
  length: number
  /** Alice's read position. */
  readSeq: number
  /** When the first message was sent. One per minute follows. */
  beginsAt: Date
  password: string
}

/** Writes the conversation to an empty database directly, which takes seconds. */
export async function makeLongConversation(url: string, conversation: LongConversation): Promise<void> {
  for (const username of ['alice', 'bob']) {
    const command = ['user', 'create', username, '--password-stdin']
    const { code, stderr } = await sotto(command, { DATABASE_URL: url }, conversation.password)
    if (code !== 0) throw new Error(stderr)
  }
  await using database = await openDatabase({ url })
  const { db } = database
  const [alice, bob] = [await store.users.find(db, 'alice'), await store.users.find(db, 'bob')]
  if (!alice || !bob) throw new Error('the users were not created')
  for (const rows of rowsOf(conversation, alice.id, bob.id)) {
    await db.transaction().execute((trx) => store.sampleData.write(trx, rows))
  }
}

function* rowsOf(
  { length, readSeq, beginsAt }: LongConversation,
  alice: string,
  bob: string,
): Generator<BulkRows> {
  const sentAt = (seq: number) => new Date(beginsAt.getTime() + (seq - 1) * MINUTE_MS)
  let now = beginsAt
  const newId = createIds(() => now)
  const conversation_id = newId()
  const shared = {
    conversation_id,
    role: 'member' as const,
    delivered_seq: length,
    joined_at: beginsAt,
    after_seq: 0,
    until_seq: null,
    first_event_id: 0,
    last_event_id: null,
    left_at: null,
    active_at: sentAt(length),
  }
  yield {
    conversations: [
      {
        id: conversation_id,
        kind: 'direct',
        name: null,
        direct_key: directKey(alice, bob),
        last_seq: length,
        participant_count: 2,
        created_at: beginsAt,
        updated_at: sentAt(length),
      },
    ],
    // All messages are from bob.
    participants: [
      { ...shared, user_id: alice, read_seq: readSeq, skipped_count: 0, sent_count: 0 },
      { ...shared, user_id: bob, read_seq: length, skipped_count: 0, sent_count: length },
    ],
  }
  for (let first = 1; first <= length; first += BATCH_SIZE) {
    const seqs = Array.from({ length: Math.min(BATCH_SIZE, length - first + 1) }, (_, index) => first + index)
    yield {
      messages: seqs.map((seq) => {
        now = sentAt(seq)
        return {
          id: newId(),
          conversation_id,
          seq,
          sender_id: bob,
          recipient_id: alice,
          kind: 'text' as const,
          text: `${seq}`,
          media: null,
          client_message_id: null,
          content_hash: null,
          reactions: null,
          created_at: now,
          edited_at: null,
          deleted_at: null,
        }
      }),
    }
  }
}
