/** Who a request is from. Kept in the page alone: a reload forgets it. */
export interface Credentials {
  /** The session that this browser is logged in with; a service key or a token; none at all. */
  kind: 'session' | 'secret' | 'none'
  secret: string
  /** Whom a service key acts for. */
  actAs: string
}

export const noSecret: Credentials = { kind: 'session', secret: '', actAs: '' }

/** The header that the contract has on every operation; it goes with the credentials here. */
export const ACT_AS = 'Act-As'
