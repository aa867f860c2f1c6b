import { linkToken } from '../session/link-token.ts'

/** The token of the setup link. */
export const setupToken = linkToken(/su_[\w-]+/, 'sotto/setup-token')
