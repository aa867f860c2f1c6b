import { useSotto } from '@sotto/react'
import type { RouterOutputs } from '@sotto/sdk'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { Time } from '../ui/time.tsx'
import { deviceName } from './device-name.ts'

export const SESSIONS = ['sessions']

/** The server's maximum page size. A user cannot have more sessions than this. */
const MAX_SHOWN = 200

type Session = RouterOutputs['sessions']['list']['items'][number]

/** The user's active sessions. */
export function Sessions() {
  const sotto = useSotto()
  const queries = useQueryClient()
  const list = useQuery({
    queryKey: SESSIONS,
    queryFn: async ({ signal }) => (await sotto.sessions.list({ limit: MAX_SHOWN }, { signal })).items,
  })
  const revoke = useMutation({
    async mutationFn(sessions: readonly Session[]) {
      for (const { id } of sessions) await sotto.sessions.revoke({ sessionId: id })
    },
    // On failure, some sessions may already have been revoked.
    onSettled: () => queries.invalidateQueries({ queryKey: SESSIONS }),
  })
  const sessions = list.data ?? []
  const others = sessions.filter(({ current }) => !current)
  const error = list.error ?? revoke.error
  return (
    <section aria-labelledby="sessions">
      <h3 id="sessions">Active sessions</h3>
      <ul className="sessions">
        {sessions.map((session) => (
          <li key={session.id} className="person">
            <p>
              <span dir="auto">{deviceName(session.userAgent)}</span>
              <span className="hint">
                {session.current ? (
                  'This device'
                ) : (
                  <>
                    last used <Time at={session.lastUsedAt} />
                  </>
                )}
              </span>
            </p>
            {!session.current && (
              <Button
                variant="quiet"
                aria-label={`Sign out: ${deviceName(session.userAgent)}`}
                onPress={() => revoke.mutate([session])}
                isBusy={revoke.isPending}
              >
                Sign out
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
        <Button variant="danger" onPress={() => revoke.mutate(others)} isBusy={revoke.isPending}>
          Sign out of all other sessions
        </Button>
      )}
    </section>
  )
}
