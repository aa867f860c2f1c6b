import { externalRef, type PublicUser } from '@sotto/contract'

/** Whether a folded reference names this user. */
export function isNamedBy({ id, username, externalId }: NamedUser, ref: string): boolean {
  // Servers before 0.2 send no externalId.
  return ref === id || ref === username || (externalId != null && ref === externalRef(externalId))
}

type NamedUser = Pick<PublicUser, 'id' | 'username' | 'externalId'>
