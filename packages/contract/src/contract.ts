import { audit } from './audit.ts'
import { blocks } from './blocks.ts'
import { contacts } from './contacts.ts'
import { conversations, direct, participants } from './conversations.ts'
import { events } from './events.ts'
import { inspection } from './inspection.ts'
import { invitations } from './invitations.ts'
import { keys } from './keys.ts'
import { messages } from './messages.ts'
import { passwords } from './passwords.ts'
import { sessions } from './sessions.ts'
import { settings } from './settings.ts'
import { setup } from './setup.ts'
import { stats } from './stats.ts'
import { totp } from './totp.ts'
import { userData } from './user-data.ts'
import { users } from './users.ts'
import { webhooks } from './webhooks.ts'

/**
 * All operations. The router's types, the REST routes, the OpenAPI document, the SDK's types and the generated tests
 * derive from this table.
 */
export const contract = {
  users: { ...users, ...userData },
  sessions,
  passwords,
  totp,
  invitations,
  messages,
  conversations,
  participants,
  direct,
  contacts,
  blocks,
  events,
  keys,
  webhooks,
  audit,
  inspection,
  stats,
  settings,
  setup,
}
export type Contract = typeof contract
