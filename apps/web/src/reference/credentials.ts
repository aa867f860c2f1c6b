/** The credentials of requests. Kept in memory only. */
export interface Credentials {
  /** The browser's session cookie, a service key or token, or nothing. */
  kind: 'session' | 'secret' | 'none'
  secret: string
  /** The user that a service key acts for. */
  actAs: string
}

export const initialCredentials: Credentials = { kind: 'session', secret: '', actAs: '' }

/** A header parameter of every operation. The page sets it in the credentials form instead. */
export const ACT_AS = 'Act-As'
