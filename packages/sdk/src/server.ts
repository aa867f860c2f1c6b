/* What back ends use besides the client: `@sotto/sdk/server`. */

export { signUserToken, type UserTokenOptions } from './sign-user-token.ts'
