import { useSotto } from '@sotto/react'
import { useQueryClient } from '@tanstack/react-query'

export const CONTACTS = 'contacts'
export const BLOCKS = 'blocks'

/** Asks for contacts, accepts them, and ends them; the lists of contacts are asked for again. */
export function useContact() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const again = () => queries.invalidateQueries({ queryKey: [CONTACTS] })
  return {
    add: async (user: string) => {
      await sotto.contacts.add({ user })
      await again()
    },
    remove: async (user: string) => {
      await sotto.contacts.remove({ user })
      await again()
    },
  }
}

/** Blocks and unblocks. A block ends a contact, so both lists are asked for again. */
export function useBlock() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const again = async () => {
    await queries.invalidateQueries({ queryKey: [CONTACTS] })
    await queries.invalidateQueries({ queryKey: [BLOCKS] })
  }
  return {
    block: async (user: string) => {
      await sotto.blocks.add({ user })
      await again()
    },
    unblock: async (user: string) => {
      await sotto.blocks.remove({ user })
      await again()
    },
  }
}
