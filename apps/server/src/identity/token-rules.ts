/*
 * What the tokens that a host signs have to be like, for who signs them as for who checks them.
 */

/** Whom tokens are for, unless the settings name somebody else. */
export const DEFAULT_AUDIENCE = 'sotto'

/** As long as what HS256 makes of it (RFC 7518, section 3.2). */
export const MIN_SECRET_BYTES = 32

/** How long a token may be valid, in seconds. One that is out cannot be called back, so it is not to last. */
export const MAX_LIFETIME_SECONDS = 24 * 60 * 60
