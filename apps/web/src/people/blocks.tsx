import { useSotto } from '@sotto/react'
import { useQuery } from '@tanstack/react-query'
import { PersonRow } from './person-row.tsx'
import { BLOCKS, useBlock } from './use-contacts.ts'

/** The server's maximum page size. */
const MAX_SHOWN = 200

/** The users the signed-in user has blocked. */
export function Blocks() {
  const sotto = useSotto()
  const { unblock } = useBlock()
  const { data = [] } = useQuery({
    queryKey: [BLOCKS],
    queryFn: async ({ signal }) => (await sotto.blocks.list({ limit: MAX_SHOWN }, { signal })).items,
  })
  if (data.length === 0) return null
  return (
    <section aria-labelledby="blocked">
      <h3 id="blocked">Blocked</h3>
      <ul className="people">
        {data.map(({ user }) => (
          <PersonRow
            key={user.id}
            user={user}
            actions={[{ label: 'Unblock', run: () => unblock(user.username) }]}
          />
        ))}
      </ul>
    </section>
  )
}
