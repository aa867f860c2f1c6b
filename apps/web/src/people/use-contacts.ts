import { useSotto } from '@sotto/react'
import { useQueryClient } from '@tanstack/react-query'

export const CONTACTS = 'contacts'
export const BLOCKS = 'blocks'

/** Adds, accepts and removes contacts, and refetches the contact lists. */
export function useContact() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const refetch = () => queries.invalidateQueries({ queryKey: [CONTACTS] })
  return {
    add: async (user: string) => {
      await sotto.contacts.add({ user })
      await refetch()
    },
    remove: async (user: string) => {
      await sotto.contacts.remove({ user })
      await refetch()
    },
  }
}

/** Blocks and unblocks users. Blocking also removes the contact, so both lists are refetched. */
export function useBlock() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const refetch = async () => {
    await queries.invalidateQueries({ queryKey: [CONTACTS] })
    await queries.invalidateQueries({ queryKey: [BLOCKS] })
  }
  return {
    block: async (user: string) => {
      await sotto.blocks.add({ user })
      await refetch()
    },
    unblock: async (user: string) => {
      await sotto.blocks.remove({ user })
      await refetch()
    },
  }
}
