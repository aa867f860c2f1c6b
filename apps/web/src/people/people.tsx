import { BackLink } from '../ui/back-link.tsx'
import { Blocks } from './blocks.tsx'
import { Contacts } from './contacts.tsx'
import { FindPeople } from './find-people.tsx'
import { NewGroup } from './new-group.tsx'

/** Search, contacts, contact requests, new groups and blocked users. */
export function People() {
  return (
    <main className="page" aria-label="People">
      <header>
        <BackLink />
        <h2>People</h2>
      </header>
      <FindPeople />
      <Contacts />
      <NewGroup />
      <Blocks />
    </main>
  )
}
