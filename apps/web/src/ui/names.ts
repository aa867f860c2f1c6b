import type { Conversation, Participant, PublicUser } from '@sotto/sdk'

/** What to call a user. */
export function nameOf({ displayName, username }: Pick<PublicUser, 'displayName' | 'username'>): string {
  return displayName?.trim() || username
}

/** The other one of a direct conversation; oneself in notes to oneself. */
export function otherUser(
  { participants }: { participants: readonly Participant[] },
  me: string,
): PublicUser | undefined {
  return (participants.find(({ user }) => user.id !== me) ?? participants[0])?.user
}

/** Where a conversation is shown. */
export function pathOf(conversation: Conversation, me: string): string {
  const other = conversation.kind === 'direct' ? otherUser(conversation, me) : undefined
  return other ? `/with/${other.username}` : `/groups/${conversation.id}`
}

/** What to call a conversation. */
export function titleOf(conversation: Conversation, me: string): string {
  if (conversation.name !== null) return conversation.name
  const other = otherUser(conversation, me)
  return other ? nameOf(other) : ''
}
