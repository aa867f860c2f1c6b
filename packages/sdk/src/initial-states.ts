import type { InboxState } from './live/live-inbox.ts'
import type { LiveState } from './live/live-state.ts'

/** The state of a live conversation of which nothing is loaded. */
export const initialLiveState: LiveState = {
  messages: [],
  unsent: [],
  conversationId: undefined,
  kind: undefined,
  name: null,
  participants: [],
  participantCount: 0,
  hasLeft: false,
  lastSeq: 0,
  readSeq: 0,
  unreadCount: 0,
  readMarks: [],
  typing: [],
  connection: 'connecting',
  isLoaded: false,
  hasOlder: false,
  hasNewer: false,
  error: undefined,
}

/** The state of a live inbox of which nothing is loaded. */
export const initialInboxState: InboxState = {
  conversations: [],
  isLoaded: false,
  hasMore: false,
  connection: 'connecting',
  error: undefined,
}
