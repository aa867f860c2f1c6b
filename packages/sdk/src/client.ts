import type { AppRouter, Contract, Conversation } from '@sotto/contract'
import { createTRPCUntypedClient, TRPCClientError } from '@trpc/client'
import type { ClientOptions } from './connection.ts'
import { baseOf, callerHeaders } from './connection.ts'
import type { ConversationHandle } from './conversation.ts'
import { conversationHandle } from './conversation.ts'
import type { EventOptions, EventStream, StreamSettings } from './events.ts'
import { openEvents } from './events.ts'
import type { CallContext } from './links.ts'
import { links } from './links.ts'
import type { MovingOrder, Page } from './list.ts'
import { List } from './list.ts'
import type { LiveHub } from './live/live-hub.ts'
import { createLiveHub } from './live/live-hub.ts'
import type { InboxOptions } from './live/live-inbox.ts'
import { LiveInbox } from './live/live-inbox.ts'
import { LivePresence } from './live/live-presence.ts'
import type { ConversationTarget, LiveSource } from './live/live-state.ts'
import type { InputOf, ItemOf, Operation } from './operation.ts'
import { operations } from './operations.ts'
import type { CallOptions, Resources } from './resources.ts'
import { sottoErrorOf } from './transport.ts'

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
 * scope, and with USER_NOT_FOUND or FORBIDDEN if it cannot act for the user given to `as`.
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
}

/**
 * Creates a client. Nothing is sent before the first call.
 *
 * Calls that fail temporarily (no connection, UNAVAILABLE, RATE_LIMITED) are retried with exponential backoff and
 * jitter if the operation is idempotent. `messages.send` is, because every message gets a `clientMessageId`, and so is
 * `conversations.create`. Messages to one conversation are sent one at a time, in the order of the calls.
 */
export function createClient(options: ClientOptions & { events?: StreamSettings | undefined }): SottoClient {
  const base = baseOf(options.url)
  const trpc = createTRPCUntypedClient<AppRouter>({ links: links(options) })

  const hubs = new Map<string | undefined, LiveHub>()

  async function call(
    path: string,
    kind: Operation['kind'],
    input: unknown,
    actAs: string | undefined,
    { signal, ...callContext }: CallOptions,
  ) {
    const context: CallContext = { ...callContext, actAs }
    try {
      return await trpc[kind](path, input, { context: { ...context }, ...(signal && { signal }) })
    } catch (error) {
      signal?.throwIfAborted()
      throw sottoErrorOf(error) ?? (error instanceof TRPCClientError ? (error.cause ?? error) : error)
    }
  }

  function clientFor(actAs: string | undefined): SottoClient {
    const method = (path: string, { kind, list }: Operation) => {
      const run = (input: object = {}, callOptions: CallOptions = {}) =>
        call(path, kind, input, actAs, callOptions)
      if (!list) return run
      return (input: object = {}, callOptions: CallOptions = {}) =>
        // OperationsOf ensures that list operations return pages.
        new List(
          input,
          (pageInput) => run(pageInput, callOptions) as Promise<Page<unknown>>,
          (movingOrders as Record<string, MovingOrder<unknown>>)[path],
        )
    }
    // Object.entries loses the names, which are those of `operations` and so of `Resources`.
    const resources = Object.fromEntries(
      Object.entries<Readonly<Record<string, Operation>>>(operations).map(([resource, table]) => [
        resource,
        Object.fromEntries(
          Object.entries(table).map(([name, operation]) => [name, method(`${resource}.${name}`, operation)]),
        ),
      ]),
    ) as Resources
    const source = {
      base,
      fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
      headers: () => callerHeaders(options, actAs),
      canRefresh: typeof options.token === 'function',
      settings: options.events ?? {},
    }
    // Hubs are kept per user, so that clients created by `as` for the same user share a stream.
    const join: LiveHub['join'] = (audience) => {
      const hub = hubs.get(actAs) ?? createLiveHub(source, () => hubs.delete(actAs))
      hubs.set(actAs, hub)
      return hub.join(audience)
    }
    const live: LiveSource = { calls: resources, hub: { join }, actAs }
    return {
      ...resources,
      conversation: (target) => conversationHandle(target, live),
      conversations: {
        ...resources.conversations,
        live: (inboxOptions = {}) => new LiveInbox(live, inboxOptions),
      },
      users: {
        ...resources.users,
        livePresence: (userId) => new LivePresence(userId, live.hub),
      },
      events: Object.assign(
        (eventOptions: EventOptions = {}) => openEvents(source, eventOptions),
        resources.events,
      ),
      messages: {
        ...resources.messages,
        between: (users, filters, callOptions) =>
          resources.messages.list({ ...filters, between: users }, callOptions),
      },
      as: clientFor,
    }
  }

  return clientFor(undefined)
}
