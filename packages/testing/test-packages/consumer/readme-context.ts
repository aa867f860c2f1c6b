// What the snippets of the READMEs do not define themselves.
import type { ConversationSummary, LiveConversation, LiveState, Message, SottoClient } from '@sotto/sdk'

declare global {
  const alice: SottoClient
  const bobsId: string
  const body: string
  const live: LiveConversation
  const request: Request
  const secret: string
  const signal: AbortSignal
  const sotto: SottoClient
  const token: string
  const url: string
  function render(state: LiveState): void
  function renderInbox(conversations: readonly ConversationSummary[]): void
  function save(cursor: string | undefined): void
  function show(message: Message): void
  function showAll(messages: readonly Message[]): void
  function showDot(online: boolean | undefined): void
  function tokenOfYourUser(): Promise<string>
}
