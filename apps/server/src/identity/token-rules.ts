/*
 * Rules for tokens signed by your back end, shared by signing and verification.
 */

/** The default audience of tokens. */
export const DEFAULT_AUDIENCE = 'sotto'

/** The output size of HS256, as RFC 7518, section 3.2, requires. */
export const MIN_SECRET_BYTES = 32

/** The maximum lifetime of a token, in seconds. Bounded because tokens cannot be revoked. */
export const MAX_LIFETIME_SECONDS = 24 * 60 * 60
