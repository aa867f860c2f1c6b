import type { AppRouter } from '@sotto/contract'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import { auditRouter } from './audit.ts'
import { conversationsRouter, directRouter, participantsRouter } from './conversations.ts'
import { eventsRouter } from './events.ts'
import { inspectionRouter } from './inspection.ts'
import { invitationsRouter } from './invitations.ts'
import { keysRouter } from './keys.ts'
import { messagesRouter } from './messages.ts'
import { passwordsRouter } from './passwords.ts'
import { blocksRouter, contactsRouter } from './people.ts'
import { sessionsRouter } from './sessions.ts'
import { settingsRouter } from './settings.ts'
import { setupRouter } from './setup.ts'
import { statsRouter } from './stats.ts'
import { totpRouter } from './totp.ts'
import { router } from './trpc.ts'
import { usersRouter } from './users.ts'
import { webhooksRouter } from './webhooks.ts'

export const appRouter = router({
  users: usersRouter,
  sessions: sessionsRouter,
  passwords: passwordsRouter,
  totp: totpRouter,
  invitations: invitationsRouter,
  messages: messagesRouter,
  conversations: conversationsRouter,
  participants: participantsRouter,
  direct: directRouter,
  contacts: contactsRouter,
  blocks: blocksRouter,
  events: eventsRouter,
  keys: keysRouter,
  webhooks: webhooksRouter,
  audit: auditRouter,
  inspection: inspectionRouter,
  stats: statsRouter,
  settings: settingsRouter,
  setup: setupRouter,
})

export type ServerRouter = typeof appRouter

/*
 * The contract's router type is what clients compile against, this router is what they reach. Whatever one of
 * them has and the other has not, does not compile.
 */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
type Kinds<Record> = {
  [Resource in keyof Record]: {
    [Name in keyof Record[Resource]]: Record[Resource][Name] extends { _def: { type: infer Kind } }
      ? Kind
      : never
  }
}

true satisfies Same<inferRouterInputs<ServerRouter>, inferRouterInputs<AppRouter>>
true satisfies Same<inferRouterOutputs<ServerRouter>, inferRouterOutputs<AppRouter>>
true satisfies Same<Kinds<ServerRouter['_def']['record']>, Kinds<AppRouter['_def']['record']>>
