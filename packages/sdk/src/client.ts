import type { AppRouter, Contract } from '@sotto/contract'
import { createTRPCUntypedClient, TRPCClientError } from '@trpc/client'
import type { ClientOptions } from './connection.ts'
import { baseOf, callerHeaders } from './connection.ts'
import type { ConversationHandle } from './conversation.ts'
import { conversationHandle } from './conversation.ts'
import type { EventOptions, EventStream, StreamSettings } from './events.ts'
import { openEvents } from './events.ts'
import type { CallContext } from './links.ts'
import { links } from './links.ts'
import type { Page } from './list.ts'
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

/**
 * A client of one server. Every call throws a SottoError when it fails, the signal's reason when it was aborted,
 * and nothing else but what the caller's own `token` function throws.
 */
export interface SottoClient extends Omit<Resources, 'conversations' | 'messages' | 'users' | 'events'> {
  /**
   * What happens, as the one sees it whom the client acts for. `for await (const event of sotto.events({ signal }))`
   * connects again by itself and goes on where it was: every event once, in order within a conversation.
   *
   * Throws for what will not pass (ACTOR_REQUIRED, INVALID_CURSOR, UNAUTHENTICATED with a fresh token too, …).
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
    /** The inbox as something that keeps itself up to date until it is closed. */
    live(options?: InboxOptions): LiveInbox
  }
  users: Resources['users'] & {
    /** Whether a user (by id) is online, as something that keeps itself up to date until it is closed. */
    livePresence(userId: string): LivePresence
  }
  /** One conversation: with a user (a username or an id), or by its id. Nothing is asked for yet. */
  conversation(target: ConversationTarget): ConversationHandle
  /**
   * The same client, acting for a user (a username or an id). For service keys; a user can only act for
   * themselves.
   */
  as(user: string): SottoClient
}

/**
 * Makes a client. Nothing is sent before the first call.
 *
 * Calls that fail for a passing reason (no connection, UNAVAILABLE, RATE_LIMITED) are made again with growing,
 * random pauses, if the operation is idempotent; `messages.send` is, since every message gets a `clientMessageId`.
 * Messages into one conversation are sent one after the other, in the order of the calls.
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
        // The contract says that an operation that is a list answers pages; see OperationsOf.
        new List(input, (pageInput) => run(pageInput, callOptions) as Promise<Page<unknown>>)
    }
    // Object.entries forgets which names it was given; they are those of `operations`, and so of `Resources`.
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
    // By whom it is for, so that clients that `as` makes of the same user share a stream.
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
