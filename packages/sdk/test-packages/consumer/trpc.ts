// A program with a plain tRPC client, for which it installs tRPC.
import type { AppRouter } from '@sotto/sdk/trpc'
import { links } from '@sotto/sdk/trpc'
import { createTRPCClient } from '@trpc/client'
import { token, url } from './where.ts'

const trpc = createTRPCClient<AppRouter>({ links: links({ url, token }) })
const { items } = await trpc.users.list.query({ limit: 1 })
const createdAt: Date | undefined = items[0]?.createdAt
console.log(JSON.stringify({ isDate: createdAt instanceof Date }))

// Never called: this call must not compile.
export function wrong(): void {
  // @ts-expect-error: unknown operation
  void trpc.messages.explode.mutate({})
}
