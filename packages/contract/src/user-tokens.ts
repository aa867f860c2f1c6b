/*
 * Rules for tokens that back ends sign for their users, shared by signing and verification. Without zod, because the
 * SDK signs tokens too.
 */

/** The audience of tokens, unless configured. */
export const defaultTokenAudience = 'sotto'

/** The output size of HS256, as RFC 7518, section 3.2, requires. */
export const minTokenSecretBytes = 32

/** The maximum lifetime of a token. Bounded because tokens cannot be revoked. */
export const maxTokenLifetimeSeconds = 24 * 60 * 60
