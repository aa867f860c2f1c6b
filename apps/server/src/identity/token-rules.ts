/* The claims of a signed token that are used, unless configured. */

/** The claim with the user's external id. */
export const DEFAULT_USER_CLAIM = 'sub'

/** The claim from which the username of a new user is made. */
export const DEFAULT_USERNAME_CLAIM = 'preferred_username'
