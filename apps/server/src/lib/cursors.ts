import { contract, SottoError } from '@sotto/contract'
import { newest, type TimePosition } from '@sotto/db'
import { z } from 'zod'

/*
 * Cursors are opaque to callers: base64url of a JSON array that starts with the name of the list. A cursor holds a
 * position and grants no access: the caller determines what a page contains.
 */

/** In milliseconds, within the range of Date and both databases. */
const time = z.int().min(0).max(newest.at.getTime())

const { username } = contract.users.create.input.shape

const listKinds = {
  users: z.tuple([username]),
  participants: z.tuple([z.uuid()]),
  /** Positions in (time, id) order, as in the lists below. */
  inbox: z.tuple([time, z.uuid()]),
  inspection: z.tuple([time, z.uuid()]),
  correspondents: z.tuple([time, z.uuid()]),
  sessions: z.tuple([time, z.uuid()]),
  invitations: z.tuple([time, z.uuid()]),
  contacts: z.tuple([time, z.uuid()]),
  blocks: z.tuple([time, z.uuid()]),
  keys: z.tuple([time, z.uuid()]),
  webhooks: z.tuple([time, z.uuid()]),
  deliveries: z.tuple([time, z.uuid()]),
  audit: z.tuple([time, z.uuid()]),
  /** Positions in (time, seq, id) order, where messages of one conversation are in the order of their seq. */
  timeline: z.tuple([time, z.int().min(0), z.uuid()]),
  'conversation-timeline': z.tuple([time, z.int().min(0), z.uuid()]),
  /** The section and a position in it: an id, a kind or an emoji, and two numbers. */
  export: z.tuple([
    z.string().max(16),
    z.uuid(),
    z.string().regex(/^[^\p{Cc}\p{Cs}]{0,64}$/u),
    time,
    z.int().min(0),
  ]),
  /** The epoch of the log, the user, the log position (transaction, id), and the time of the event there. */
  events: z.tuple([
    z.string().max(16),
    z.uuid(),
    z.string().regex(/^\d{1,20}$/),
    z.int().min(0),
    z.int().min(0),
  ]),
  conversation: z.tuple([z.enum(['older', 'newer']), z.int().min(0)]),
} as const

type ListKind = keyof typeof listKinds
type Position<Kind extends ListKind> = z.output<(typeof listKinds)[Kind]>

export function encodeCursor<Kind extends ListKind>(kind: Kind, position: Position<Kind>): string {
  return Buffer.from(JSON.stringify([kind, ...position])).toString('base64url')
}

/** @throws {SottoError} INVALID_CURSOR if this list did not issue the cursor. */
export function decodeCursor<Kind extends ListKind>(kind: Kind, cursor: string): Position<Kind> {
  let decoded: unknown
  try {
    decoded = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw new SottoError('INVALID_CURSOR')
  }
  if (!Array.isArray(decoded) || decoded[0] !== kind) throw new SottoError('INVALID_CURSOR')
  const parsed = listKinds[kind].safeParse(decoded.slice(1))
  if (!parsed.success) throw new SottoError('INVALID_CURSOR')
  const position = parsed.data as Position<Kind>
  // Only the exact form that encodeCursor produces is valid.
  if (encodeCursor(kind, position) !== cursor) throw new SottoError('INVALID_CURSOR')
  return position
}

/** The lists that are ordered by a time and an id. */
type TimeListKind =
  | 'inbox'
  | 'inspection'
  | 'correspondents'
  | 'sessions'
  | 'invitations'
  | 'contacts'
  | 'blocks'
  | 'keys'
  | 'webhooks'
  | 'deliveries'
  | 'audit'

/** The cursor that continues after a time and an id. */
export function timeCursor(kind: TimeListKind, at: Date, id: string): string {
  return encodeCursor(kind, [at.getTime(), id])
}

/** The position that a cursor of `timeCursor` continues after; without a cursor, the beginning of the list. */
export function timePosition(kind: TimeListKind, cursor: string | undefined): TimePosition {
  if (cursor === undefined) return newest
  const [at, id] = decodeCursor(kind, cursor)
  return { at: new Date(at), id }
}
