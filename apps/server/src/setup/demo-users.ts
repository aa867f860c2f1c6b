import type { Contract } from '@sotto/contract'
import type { z } from 'zod'

type Profile = z.input<Contract['users']['create']['input']>

/** The users of the small data set, which the demo uses. Not in seed/, because sign-up needs their names. */
export const demoUsers = [
  {
    username: 'amira',
    displayName: 'Amira Haddad',
    firstName: 'Amira',
    lastName: 'Haddad',
    email: 'amira@example.com',
  },
  { username: 'jonas', displayName: 'Jonas Weber', firstName: 'Jonas', lastName: 'Weber' },
  { username: 'mei', displayName: '林美', firstName: '美', lastName: '林', email: 'mei@example.com' },
  { username: 'sofia', displayName: 'Sofía Romero', firstName: 'Sofía', lastName: 'Romero' },
  { username: 'noam', displayName: 'נועם לוי', firstName: 'נועם', lastName: 'לוי' },
  {
    username: 'priya',
    displayName: 'Priya Nair',
    firstName: 'Priya',
    lastName: 'Nair',
    email: 'priya@example.com',
  },
  { username: 'lucas', displayName: 'Lucas Moreau', firstName: 'Lucas', lastName: 'Moreau' },
  { username: 'olena', displayName: 'Олена Коваль', firstName: 'Олена', lastName: 'Коваль' },
  { username: 'kofi', displayName: 'Kofi Mensah', firstName: 'Kofi', lastName: 'Mensah' },
  { username: 'hana', displayName: '佐藤 花', firstName: '花', lastName: '佐藤' },
  { username: 'tom.baker', displayName: 'Tom Baker', firstName: 'Tom', lastName: 'Baker' },
  { username: 'newcomer', displayName: 'Nia (new here)' },
] as const satisfies readonly Profile[]
