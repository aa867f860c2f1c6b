import { externalRef, foldUserRef, type KeyScope } from '@sotto/contract'

/** The id of the service key in the settings. */
export const CONFIGURED_KEY_ID = 'environment'

/** The user that a request acts for. */
export interface Actor {
  id: string
  username: string
  externalId: string | null
}

/**
 * What a user authenticated with: a session token; a password, identified by the hash it was verified against; or a
 * token signed by your back end.
 */
export type UserCredential =
  | { kind: 'session'; id: string }
  | { kind: 'password'; hash: string }
  | { kind: 'token'; expiresAt: Date }

/** An authenticated caller. A service key without an actor is called a bare key. */
export type KnownCaller =
  | { kind: 'key'; keyId: string; scopes: ReadonlySet<KeyScope>; actor: Actor | undefined }
  | { kind: 'user'; credential: UserCredential; actor: Actor; isAdmin: boolean }

/** The caller of a request. */
export type Caller = { kind: 'anonymous' } | KnownCaller

/** The user that a caller acts for. */
export function actorOf(caller: Caller): Actor | undefined {
  return caller.kind === 'anonymous' ? undefined : caller.actor
}

/** Whether a reference names this user. */
export function refersTo(ref: string, { id, username, externalId }: Actor): boolean {
  const key = foldUserRef(ref)
  return key === username || key === id || (externalId !== null && key === externalRef(externalId))
}

/** Decodes a percent-encoded reference, as in the Act-As header. Undefined if it is not valid. */
export function decodeRef(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

/** The user of a row, as an actor. */
export function toActor(row: { id: string; username: string; external_id: string | null }): Actor {
  return { id: row.id, username: row.username, externalId: row.external_id }
}
