/** The credentials of requests. Kept in memory only. */
export interface Credentials {
  /** The browser's session cookie, a service key or token, or nothing. */
  kind: 'session' | 'secret' | 'none'
  secret: string
  /** The user that a service key acts for. */
  actAs: string
}

export const initialCredentials: Credentials = { kind: 'session', secret: '', actAs: '' }
