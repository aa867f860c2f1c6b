/*
 * Rules for tokens signed by your back end, shared by signing and verification.
 */

/** The default audience of tokens. */
export const DEFAULT_AUDIENCE = 'sotto'

/** The claim with the user's external id, unless configured. */
export const DEFAULT_USER_CLAIM = 'sub'

/** The claim from which the username of a new user is made, unless configured. */
export const DEFAULT_USERNAME_CLAIM = 'preferred_username'

/** The output size of HS256, as RFC 7518, section 3.2, requires. */
export const MIN_SECRET_BYTES = 32

/** The maximum lifetime of a token, in seconds. Bounded because tokens cannot be revoked. */
export const MAX_LIFETIME_SECONDS = 24 * 60 * 60
