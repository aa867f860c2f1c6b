import type { Conversation, Participant, PublicUser } from '@sotto/sdk'

/** A user's display name, or their username if they have none. */
export function nameOf({ displayName, username }: Pick<PublicUser, 'displayName' | 'username'>): string {
  return displayName?.trim() || username
}

/** The other participant of a direct conversation; the user themselves in their notes to self. */
export function otherUser(
  { participants }: { participants: readonly Participant[] },
  me: string,
): PublicUser | undefined {
  return (participants.find(({ user }) => user.id !== me) ?? participants[0])?.user
}

/** The path of a conversation's page. */
export function pathOf(conversation: Conversation, me: string): string {
  const other = conversation.kind === 'direct' ? otherUser(conversation, me) : undefined
  return other ? `/with/${other.username}` : `/groups/${conversation.id}`
}

/** A group's name, or the name of the other user. */
export function titleOf(conversation: Conversation, me: string): string {
  if (conversation.name !== null) return conversation.name
  const other = otherUser(conversation, me)
  return other ? nameOf(other) : ''
}
