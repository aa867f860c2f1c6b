import { contract } from '@sotto/contract'
import { addContact } from '../people/add-contact.ts'
import { blockUser } from '../people/block-user.ts'
import { listBlocks } from '../people/list-blocks.ts'
import { listContacts } from '../people/list-contacts.ts'
import { removeContact } from '../people/remove-contact.ts'
import { unblockUser } from '../people/unblock-user.ts'
import { mutation, query, router } from './trpc.ts'

const { contacts, blocks } = contract

export const contactsRouter = router({
  list: query(contacts.list, listContacts),
  add: mutation(contacts.add, addContact),
  remove: mutation(contacts.remove, removeContact),
})

export const blocksRouter = router({
  list: query(blocks.list, listBlocks),
  add: mutation(blocks.add, blockUser),
  remove: mutation(blocks.remove, unblockUser),
})
