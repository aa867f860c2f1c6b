import { type Contract, contract, type Procedure } from '@sotto/contract'
import { listAudit } from '../audit/list-audit.ts'
import { getAccount, getMe, setDisabled, setRole } from '../identity/accounts.ts'
import { confirmTotp } from '../identity/confirm-totp.ts'
import { createKey } from '../identity/create-key.ts'
import { createUser } from '../identity/create-user.ts'
import { disableTotp } from '../identity/disable-totp.ts'
import { createInvitation, listInvitations, revokeInvitation } from '../identity/invitations.ts'
import { issuePasswordReset } from '../identity/issue-password-reset.ts'
import { listKeys } from '../identity/list-keys.ts'
import { putUser } from '../identity/put-user.ts'
import { getCorrespondents, getUser, listUsers } from '../identity/read-users.ts'
import { removeTotp } from '../identity/remove-totp.ts'
import { resetPassword } from '../identity/reset-password.ts'
import { revokeKey } from '../identity/revoke-key.ts'
import {
  createSession,
  endSession,
  endSessionsOf,
  listSessions,
  listSessionsOf,
  revokeSession,
} from '../identity/sessions.ts'
import { setPassword } from '../identity/set-password.ts'
import { startTotp } from '../identity/start-totp.ts'
import { updateUser } from '../identity/update-user.ts'
import {
  inspectConversation,
  inspectConversations,
  inspectMessages,
} from '../inspection/inspect-conversations.ts'
import { createGroup } from '../messaging/create-group.ts'
import { deleteMessage } from '../messaging/delete-message.ts'
import { editMessage } from '../messaging/edit-message.ts'
import { getConversation, getDirectConversation } from '../messaging/get-conversation.ts'
import { getMessage } from '../messaging/get-message.ts'
import { listDirectMessages, listMessagesOfConversation } from '../messaging/list-conversation-messages.ts'
import { listConversations } from '../messaging/list-conversations.ts'
import { listMessages } from '../messaging/list-messages.ts'
import { listParticipants } from '../messaging/list-participants.ts'
import { listReceipts } from '../messaging/list-receipts.ts'
import { markRead } from '../messaging/mark-read.ts'
import { likeMessage, react, unlikeMessage, unreact } from '../messaging/react.ts'
import { removeParticipant } from '../messaging/remove-participant.ts'
import { sendDirectMessage, sendMessage } from '../messaging/send-message.ts'
import { setParticipant } from '../messaging/set-participant.ts'
import { updateGroup } from '../messaging/update-group.ts'
import { addContact } from '../people/add-contact.ts'
import { blockUser } from '../people/block-user.ts'
import { listBlocks } from '../people/list-blocks.ts'
import { listContacts } from '../people/list-contacts.ts'
import { removeContact } from '../people/remove-contact.ts'
import { unblockUser } from '../people/unblock-user.ts'
import { eraseUser } from '../privacy/erase-user.ts'
import { exportUser } from '../privacy/export-user.ts'
import { getPresence } from '../realtime/get-presence.ts'
import { openStream, watchPresence } from '../realtime/open-stream.ts'
import { pullEvents } from '../realtime/pull-events.ts'
import { setTyping } from '../realtime/set-typing.ts'
import type { Subscription } from '../realtime/subscription.ts'
import { listSettings } from '../settings/list-settings.ts'
import { createAdmin } from '../setup/create-admin.ts'
import { getSetup } from '../setup/get-setup.ts'
import { openDemo } from '../setup/open-demo.ts'
import { getServerStats } from '../statistics/get-server-stats.ts'
import { getStats } from '../statistics/get-stats.ts'
import { createWebhook } from '../webhooks/create-webhook.ts'
import { deleteWebhook } from '../webhooks/delete-webhook.ts'
import { getWebhook } from '../webhooks/get-webhook.ts'
import { listDeliveries } from '../webhooks/list-deliveries.ts'
import { listWebhooks } from '../webhooks/list-webhooks.ts'
import { retryDelivery } from '../webhooks/retry-delivery.ts'
import { rotateWebhookSecret } from '../webhooks/rotate-secret.ts'
import { testWebhook } from '../webhooks/test-webhook.ts'
import { updateWebhook } from '../webhooks/update-webhook.ts'
import type { Context } from './context.ts'
import type { UseCase } from './use-case.ts'

/**
 * The use case of every operation in the contract. tRPC and REST are derived from this table. A missing operation, or a
 * use case whose types do not match its entry, is a compile error.
 */
const useCases: {
  [Resource in keyof Contract]: {
    [Name in keyof Contract[Resource]]: Contract[Resource][Name] extends Procedure
      ? UseCase<Contract[Resource][Name]>
      : never
  }
} = {
  users: {
    create: createUser,
    list: listUsers,
    get: getUser,
    update: updateUser,
    put: putUser,
    correspondents: getCorrespondents,
    presence: getPresence,
    me: getMe,
    account: getAccount,
    setRole,
    setDisabled,
    export: exportUser,
    erase: eraseUser,
  },
  sessions: {
    create: createSession,
    list: listSessions,
    end: endSession,
    revoke: revokeSession,
    listOf: listSessionsOf,
    endAllOf: endSessionsOf,
  },
  passwords: {
    set: setPassword,
    issueReset: issuePasswordReset,
    reset: resetPassword,
  },
  totp: {
    start: startTotp,
    confirm: confirmTotp,
    disable: disableTotp,
    remove: removeTotp,
  },
  invitations: {
    create: createInvitation,
    list: listInvitations,
    revoke: revokeInvitation,
  },
  messages: {
    send: sendMessage,
    list: listMessages,
    get: getMessage,
    edit: editMessage,
    delete: deleteMessage,
    like: likeMessage,
    unlike: unlikeMessage,
    react,
    unreact,
  },
  conversations: {
    list: listConversations,
    get: getConversation,
    messages: listMessagesOfConversation,
    create: createGroup,
    update: updateGroup,
    receipts: listReceipts,
    read: markRead,
    typing: setTyping,
  },
  participants: {
    list: listParticipants,
    set: setParticipant,
    remove: removeParticipant,
  },
  direct: {
    get: getDirectConversation,
    messages: listDirectMessages,
    send: sendDirectMessage,
  },
  contacts: {
    list: listContacts,
    add: addContact,
    remove: removeContact,
  },
  blocks: {
    list: listBlocks,
    add: blockUser,
    remove: unblockUser,
  },
  events: {
    stream: openStream,
    watch: watchPresence,
    pull: pullEvents,
  },
  keys: {
    create: createKey,
    list: listKeys,
    revoke: revokeKey,
  },
  webhooks: {
    create: createWebhook,
    list: listWebhooks,
    get: getWebhook,
    update: updateWebhook,
    delete: deleteWebhook,
    rotateSecret: rotateWebhookSecret,
    test: testWebhook,
    deliveries: listDeliveries,
    retryDelivery,
  },
  audit: {
    list: listAudit,
  },
  inspection: {
    conversations: inspectConversations,
    conversation: inspectConversation,
    messages: inspectMessages,
  },
  stats: {
    get: getStats,
    server: getServerStats,
  },
  settings: {
    list: listSettings,
  },
  setup: {
    get: getSetup,
    openDemo,
    createAdmin,
  },
}

interface OperationOf<Kind extends Procedure['kind'], Result> {
  /** For example `messages.send`. */
  readonly name: string
  readonly entry: Procedure<Kind>
  /** Requires the context that `admit` returns for the entry, and an input validated by the entry's schema. */
  readonly run: (ctx: Context, input: unknown) => Promise<Result>
}

/** An operation with a single response. */
export type CallOperation = OperationOf<'query' | 'mutation', unknown>
/** An operation that opens an event stream. The transport sends the events and ends the stream. */
export type StreamOperation = OperationOf<'subscription', Subscription>
/** Any operation, without its specific types: transports treat all of them alike. */
export type Operation = CallOperation | StreamOperation

/** Every operation, in the contract's order. */
export const operations: readonly Operation[] = Object.entries(contract).flatMap(([resource, entries]) =>
  Object.entries<Procedure>(entries).map(([name, entry]) => {
    const ofResource: Record<string, unknown> = useCases[resource as keyof Contract]
    // The type of the table guarantees that the use case matches the entry, including its kind.
    return { name: `${resource}.${name}`, entry, run: ofResource[name] } as Operation
  }),
)

export function isStream(operation: Operation): operation is StreamOperation {
  return operation.entry.kind === 'subscription'
}
