import { useSotto } from '@sotto/react'
import type { RouterOutputs } from '@sotto/sdk'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { Time } from '../ui/time.tsx'
import { deviceName } from './device-name.ts'

export const SESSIONS = ['sessions']

/** The longest list that the server answers, and more than a user can have. */
const MAX_SHOWN = 200

type OpenSession = RouterOutputs['sessions']['list']['items'][number]

/** Where one is logged in, with a way to end it there. */
export function Sessions() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const list = useQuery({
    queryKey: SESSIONS,
    queryFn: async ({ signal }) => (await sotto.sessions.list({ limit: MAX_SHOWN }, { signal })).items,
  })
  const ending = useMutation({
    async mutationFn(sessions: readonly OpenSession[]) {
      for (const { id } of sessions) await sotto.sessions.revoke({ sessionId: id })
    },
    // Some may have ended where others have not.
    onSettled: () => queries.invalidateQueries({ queryKey: SESSIONS }),
  })
  const sessions = list.data ?? []
  const others = sessions.filter(({ current }) => !current)
  const error = list.error ?? ending.error
  return (
    <section aria-labelledby="sessions">
      <h3 id="sessions">Where you are signed in</h3>
      <ul className="sessions">
        {sessions.map((session) => (
          <li key={session.id} className="person">
            <p>
              <span dir="auto">{deviceName(session.userAgent)}</span>
              <span className="hint">
                {session.current ? (
                  'This one'
                ) : (
                  <>
                    last used <Time at={session.lastUsedAt} />
                  </>
                )}
              </span>
            </p>
            {!session.current && (
              <Button
                look="quiet"
                aria-label={`End: ${deviceName(session.userAgent)}`}
                onPress={() => ending.mutate([session])}
                isBusy={ending.isPending}
              >
                End
              </Button>
            )}
          </li>
        ))}
      </ul>
      {error && (
        <p role="alert" className="error">
          {errorMessage(error)}
        </p>
      )}
      {others.length > 1 && (
        <Button look="danger" onPress={() => ending.mutate(others)} isBusy={ending.isPending}>
          End all the others
        </Button>
      )}
    </section>
  )
}
