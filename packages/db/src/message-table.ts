import type { GivenTypeOf } from './dialect/column-types.ts'

export interface MessageTable {
  id: string
  conversation_id: string
  seq: number
  sender_id: string
  /** The other user of a direct conversation, or the sender in a conversation with oneself. Null in groups. */
  recipient_id: string | null
  kind: 'text' | 'image' | 'video'
  text: string | null
  /** JSON of the image or video, as in the contract. */
  media: string | null
  client_message_id: string | null
  /** SHA-256 of the original content, to recognize repeated sends. */
  content_hash: string | null
  /** JSON of [emoji, count] pairs in order of first use. Null without reactions. */
  reactions: string | null
  created_at: Date
  edited_at: Date | null
  deleted_at: Date | null
}

/** Every column with its SQL type. Sends and reads of messages derive their columns from this. */
export const messageColumns = {
  id: 'uuid',
  conversation_id: 'uuid',
  seq: 'bigint',
  sender_id: 'uuid',
  recipient_id: 'uuid',
  kind: 'text',
  text: 'text',
  media: 'json',
  client_message_id: 'text',
  content_hash: 'text',
  reactions: 'json',
  created_at: 'timestamptz',
  edited_at: 'timestamptz',
  deleted_at: 'timestamptz',
} as const satisfies { [Name in keyof MessageTable]: GivenTypeOf<MessageTable[Name]> }

export const messageColumnNames = namesOf(messageColumns)

/** The columns that a tombstone keeps. All others are content and are set to null. */
const tombstoneColumns = [
  'id',
  'conversation_id',
  'seq',
  'sender_id',
  'recipient_id',
  'kind',
  'client_message_id',
  'content_hash',
  'created_at',
  'edited_at',
  'deleted_at',
] as const satisfies readonly (keyof MessageTable)[]

const kept: readonly string[] = tombstoneColumns

/** The content columns of a tombstone, all null. */
export const emptyContent = Object.fromEntries(
  messageColumnNames.filter((name) => !kept.includes(name)).map((name) => [name, null]),
) as Record<Exclude<keyof MessageTable, (typeof tombstoneColumns)[number]>, null>

/** The keys of a map of columns. */
export function namesOf<Columns extends object>(columns: Columns): (keyof Columns & string)[] {
  // The column maps above, and those derived from them, have no other keys.
  return Object.keys(columns) as (keyof Columns & string)[]
}
