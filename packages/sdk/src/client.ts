import type { Contract, Conversation } from '@sotto/contract'
import { authorizationOf } from './authorization.ts'
import type { ClientOptions, RequestUser } from './connection.ts'
import { baseOf, callerHeaders, fetchOf } from './connection.ts'
import type { ConversationHandle } from './conversation.ts'
import { conversationHandle } from './conversation.ts'
import { deferredConversation } from './deferred-conversation.ts'
import { deferredEvents } from './deferred-events.ts'
import { deferredInbox, type LiveInbox } from './deferred-inbox.ts'
import { deferredPresence, type LivePresence } from './deferred-presence.ts'
import type { EventOptions, EventSource, EventStream, StreamSettings } from './events.ts'
import { lazyPart } from './lazy-part.ts'
import type { CallContext } from './links.ts'
import { createCaller } from './links.ts'
import type { MovingOrder, Page } from './list.ts'
import { List } from './list.ts'
import type { InboxOptions } from './live/live-inbox.ts'
import type { ConversationTarget, LiveOptions } from './live/live-state.ts'
import type { ViewSource } from './live/live-views.ts'
import type { InputOf, ItemOf, Operation } from './operation.ts'
import { operations } from './operation.ts'
import type { CallOptions, Resources } from './resources.ts'
import { throwIfAborted } from './runtime-gaps.ts'
import { isTRPCClientError, sottoErrorOf } from './transport.ts'
import { abortable } from './waiting.ts'

type ListMessages = Contract['messages']['list']
type BetweenFilters = Omit<InputOf<ListMessages>, 'between' | 'sender' | 'recipient'>

/** The lists that are ordered by the last message, by operation. */
const movingOrders = {
  'conversations.list': {
    idOf: ({ id }: Conversation) => id,
    movedAt: ({ updatedAt }: Conversation) => updatedAt,
  },
  'users.correspondents': {
    idOf: ({ user }: ItemOf<Contract['users']['correspondents']>) => user.id,
    movedAt: ({ lastMessageAt }: ItemOf<Contract['users']['correspondents']>) => lastMessageAt,
  },
}

/**
 * A client of one server.
 *
 * A failed call throws a SottoError, an aborted call throws the reason of its signal. Errors thrown by the `token`
 * function are passed on. Each operation lists its own error codes. In addition, every call can fail with
 * INVALID_INPUT, UNAUTHENTICATED, RATE_LIMITED, INTERNAL or UNAVAILABLE, with FORBIDDEN if the service key lacks a
 * scope, with USER_NOT_FOUND or FORBIDDEN if it cannot act for the user given to `as`, and with USER_MISMATCH if the
 * credentials are not those of the user given to `forUser`.
 */
export interface SottoClient extends Omit<Resources, 'conversations' | 'messages' | 'users' | 'events'> {
  /**
   * Streams the events of the user whom the client acts for: `for await (const event of sotto.events({ signal }))`.
   * Reconnects automatically and resumes where it stopped, so each event arrives once, in order within a conversation.
   *
   * Throws on permanent errors, such as ACTOR_REQUIRED, INVALID_CURSOR, or UNAUTHENTICATED with a fresh token.
   */
  events: Resources['events'] & ((options?: EventOptions) => EventStream)
  messages: Resources['messages'] & {
    /** The messages of the direct conversation of two users, newest first. */
    between(
      users: [string, string],
      filters?: BetweenFilters,
      options?: CallOptions,
    ): List<ItemOf<ListMessages>>
  }
  conversations: Resources['conversations'] & {
    /** A live view of the inbox, kept up to date until it is closed. */
    live(options?: InboxOptions): LiveInbox
  }
  users: Resources['users'] & {
    /** A live view of whether a user (by id) is online, kept up to date until it is closed. */
    livePresence(userId: string): LivePresence
  }
  /** A conversation, by its id or by the other user. Sends no request. */
  conversation(target: ConversationTarget): ConversationHandle
  /**
   * The same client, acting for a user: a username, an id, or `ext:` and an external id. For service keys; users can
   * only act for themselves.
   */
  as(user: string): SottoClient
  /**
   * The same client, for one user by id: if the credentials are those of another user by the time of a call or a stream,
   * it fails with USER_MISMATCH. For tokens and cookies that can change while the client is used.
   *
   * Live views of a client without it belong to the user who was signed in when the first of them was opened.
   */
  forUser(userId: string): SottoClient
}

/**
 * Creates a client. Nothing is sent before the first call.
 *
 * Calls that fail temporarily (no connection, UNAVAILABLE, RATE_LIMITED) are retried with exponential backoff and
 * jitter if the operation is idempotent. `messages.send` is, because every message gets a `clientMessageId`, and so is
 * `conversations.create`. Messages to one conversation are sent one at a time, in the order of the calls.
 *
 * Throws a TypeError if `url` is not an address that requests can be sent to, or if there is no `fetch`.
 */
export function createClient(options: ClientOptions & { events?: StreamSettings | undefined }): SottoClient {
  const base = baseOf(options.url)
  const fetch = fetchOf(options)
  const authorization = authorizationOf(options)
  const send = createCaller(options, authorization)

  // Live views are almost half of the client, so they are loaded with the first one.
  const liveViews = lazyPart(async () => {
    const { LiveViews } = await import('./live/live-views.ts')
    return new LiveViews()
  })
  // Few views have a storage.
  const storedViews = lazyPart(async () => {
    const [loaded, { StoredDrafts }] = await Promise.all([
      liveViews.load(),
      import('./live/stored-drafts.ts'),
    ])
    return { loaded, StoredDrafts }
  })
  const settings = options.events ?? {}

  async function call(
    path: string,
    kind: Operation['kind'],
    input: unknown,
    user: RequestUser,
    { signal, ...callContext }: CallOptions,
  ) {
    const context: CallContext = { ...callContext, ...user }
    try {
      return await send({ path, type: kind, input, context, signal })
    } catch (error) {
      throwIfAborted(signal)
      throw sottoErrorOf(error) ?? (isTRPCClientError(error) ? (error.cause ?? error) : error)
    }
  }

  /** All operations, for the user that the function returns for each call. */
  function callsFor(userOf: () => RequestUser | Promise<RequestUser>): Resources {
    const method = (path: string, { kind, list }: Operation) => {
      const run = async (input: object = {}, callOptions: CallOptions = {}) => {
        const { signal } = callOptions
        const found = userOf()
        const user = found instanceof Promise ? await (signal ? abortable(found, signal) : found) : found
        return await call(path, kind, input, user, callOptions)
      }
      if (!list) return run
      return (input: object = {}, callOptions: CallOptions = {}) =>
        // OperationsOf ensures that list operations return pages.
        new List(
          input,
          (pageInput) => run(pageInput, callOptions) as Promise<Page<unknown>>,
          (movingOrders as Record<string, MovingOrder<unknown>>)[path],
        )
    }
    const tables: Record<string, Record<string, unknown>> = {}
    for (const [path, operation] of operations) {
      const [resource = '', name = ''] = path.split('.')
      tables[resource] = { ...tables[resource], [name]: method(path, operation) }
    }
    // The generator takes the names of `operations` and those of `Resources` from the same contract.
    return tables as unknown as Resources
  }

  function streamFor(userOf: () => RequestUser | Promise<RequestUser>): EventSource {
    return {
      base,
      fetch,
      headers: async () => callerHeaders(await authorization.current(), await userOf()),
      refuse: (headers: Headers) => authorization.refuse(headers.get('authorization')),
      hasOwnFetch: options.fetch !== undefined && options.fetch !== globalThis.fetch,
      settings,
    }
  }

  function liveConversation(views: ViewSource, target: ConversationTarget, liveOptions: LiveOptions) {
    const { storage } = liveOptions
    if (!storage)
      return deferredConversation(target, liveViews, (loaded) =>
        loaded.conversation(views, target, liveOptions),
      )
    return deferredConversation(target, storedViews, ({ loaded, StoredDrafts }) =>
      loaded.conversation(views, target, liveOptions, (options) => new StoredDrafts(options, storage)),
    )
  }

  function clientFor(user: RequestUser): SottoClient {
    const resources = callsFor(() => user)
    const views: ViewSource = { user, calls: resources, callsFor, streamFor }
    return {
      ...resources,
      conversation: (target) =>
        conversationHandle(target, resources, (liveOptions) => liveConversation(views, target, liveOptions)),
      conversations: {
        ...resources.conversations,
        live: (inboxOptions = {}) => deferredInbox(liveViews, (loaded) => loaded.inbox(views, inboxOptions)),
      },
      users: {
        ...resources.users,
        livePresence: (userId) => deferredPresence(liveViews, (loaded) => loaded.presence(views, userId)),
      },
      events: Object.assign(
        (eventOptions: EventOptions = {}) =>
          deferredEvents(
            streamFor(() => user),
            eventOptions,
          ),
        resources.events,
      ),
      messages: {
        ...resources.messages,
        between: (users, filters, callOptions) =>
          resources.messages.list({ ...filters, between: users }, callOptions),
      },
      as: (actAs) => clientFor({ actAs }),
      forUser: (expectedUser) => clientFor({ ...user, expectedUser }),
    }
  }

  return clientFor({})
}
