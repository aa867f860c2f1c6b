/* For programs that use a tRPC client: `@sotto/sdk/trpc`. Its types need `@trpc/server`. */

export type { AppRouter } from '@sotto/contract'
export { type Link, links } from './links.ts'
