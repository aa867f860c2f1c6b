import type { KeyScope } from '@sotto/contract'

/** The id of the service key that the settings hold. */
export const CONFIGURED_KEY_ID = 'environment'

/** The user whom a request acts for. */
export interface Actor {
  id: string
  username: string
}

/**
 * What a user authenticated with: a session's token; a password, identified by the hash that it was checked against;
 * or a token signed by the host.
 */
export type UserCredential =
  | { kind: 'session'; id: string }
  | { kind: 'password'; hash: string }
  | { kind: 'token'; expiresAt: Date }

/** Who makes a request, with credentials. A service key without an actor is called a bare key. */
export type KnownCaller =
  | { kind: 'key'; keyId: string; scopes: ReadonlySet<KeyScope>; actor: Actor | undefined }
  | { kind: 'user'; credential: UserCredential; actor: Actor; isAdmin: boolean }

/** Who makes a request. */
export type Caller = { kind: 'anonymous' } | KnownCaller

/** The user whom a caller acts for. */
export function actorOf(caller: Caller): Actor | undefined {
  return caller.kind === 'anonymous' ? undefined : caller.actor
}

/** Whether a username or an id is this user's. */
export function refersTo(ref: string, { id, username }: Actor): boolean {
  const key = ref.toLowerCase()
  return key === username || key === id
}
