import type {
  ConversationTarget,
  DraftStorage,
  InboxState,
  LiveConversation,
  LiveInbox,
  LivePresence,
  LiveState,
  PresenceState,
  SottoClient,
} from '@sotto/sdk'
import { initialInboxState, initialLiveState } from '@sotto/sdk'
import { SharedView } from './shared-view.ts'

export type SharedConversation = SharedView<LiveConversation, LiveState>

/** The views shared by the components below a provider: one per inbox, conversation and presence. */
export class Views {
  readonly client: SottoClient
  readonly inbox: SharedView<LiveInbox, InboxState>
  readonly #storage: DraftStorage
  #me: Promise<string | undefined> | undefined
  readonly #conversations = new Map<string, SharedConversation>()
  readonly #presences = new Map<string, SharedView<LivePresence, PresenceState | undefined>>()

  /** @param storage by default, unsent messages are kept in memory: the next view of a conversation finds them. */
  constructor(client: SottoClient, storage: DraftStorage = memoryStorage()) {
    this.client = client
    this.#storage = storage
    this.inbox = new SharedView({
      open: () => client.conversations.live(),
      initial: initialInboxState,
      isClosed: hasClosedConnection,
    })
  }

  /** The id of the user; undefined if it cannot be found out now. */
  async me(): Promise<string | undefined> {
    this.#me ??= this.client.users.me().then(
      ({ id }) => id,
      () => {
        this.#me = undefined
        return undefined
      },
    )
    return await this.#me
  }

  conversation(target: ConversationTarget): SharedConversation {
    const key = typeof target === 'string' ? `to/${foldUserRef(target)}` : target.conversationId
    const open = () => this.client.conversation(target).live({ storage: this.#storage })
    return getOrCreate(
      this.#conversations,
      key,
      () =>
        new SharedView({ open, initial: initialLiveState, isClosed: hasClosedConnection, isBusy: isSending }),
    )
  }

  presence(userId: string): SharedView<LivePresence, PresenceState | undefined> {
    const open = () => this.client.users.livePresence(userId)
    return getOrCreate(
      this.#presences,
      userId,
      () =>
        new SharedView<LivePresence, PresenceState | undefined>({
          open,
          initial: undefined,
          isClosed: ({ isClosed }) => isClosed,
        }),
    )
  }
}

function hasClosedConnection({ state }: LiveConversation | LiveInbox): boolean {
  return state.connection === 'closed'
}

function memoryStorage(): DraftStorage {
  const values = new Map<string, string>()
  return { get: (key) => values.get(key), set: (key, value) => void values.set(key, value) }
}

/** Messages are sent even if no component shows the conversation anymore. */
function isSending({ unsent }: LiveState): boolean {
  return unsent.some(({ status }) => status === 'pending')
}

function getOrCreate<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const value = map.get(key) ?? create()
  map.set(key, value)
  return value
}

/** Usernames and ids ignore case, external ids do not. */
function foldUserRef(ref: string): string {
  return /^ext:/i.test(ref) ? ref : ref.toLowerCase()
}
