import { useSotto } from '@sotto/react'
import { useQuery } from '@tanstack/react-query'
import { DayChart } from './day-chart.tsx'
import { DescriptionList } from './description-list.tsx'
import { QueryStatus } from './query-status.tsx'
import { ConsolePage, Section } from './section.tsx'
import { ServerStatus } from './server-status.tsx'
import { Timestamp } from './timestamp.tsx'
import { CONSOLE } from './use-paged-query.ts'

const DAYS = 30
/** How often the numbers of the installation are asked for, in milliseconds. */
const REFRESH_MS = 30_000

const number = new Intl.NumberFormat()

/** How much there is, how much happens, and how the server that answers is. */
export function Overview() {
  const sotto = useSotto()
  const { data, isPending, error } = useQuery({
    queryKey: [CONSOLE, 'stats'],
    queryFn: ({ signal }) => sotto.stats.get({ days: DAYS }, { signal }),
    refetchInterval: REFRESH_MS,
  })
  const shown = (total: number | null) => (total === null ? 'being counted' : number.format(total))
  return (
    <ConsolePage title="Overview">
      <QueryStatus isPending={isPending} error={error} />
      {data && (
        <>
          <Section title="In all">
            <DescriptionList
              of={{
                Users: shown(data.users),
                Conversations: shown(data.conversations),
                'Messages ever sent': shown(data.messages),
                'Counted at': data.countedAt ? <Timestamp at={data.countedAt} /> : undefined,
              }}
            />
          </Section>
          <Section title={`The last ${DAYS} days`}>
            <p className="hint">Days of UTC. Active is who has sent, edited, reacted or read.</p>
            <div className="charts">
              <DayChart
                title="Messages sent"
                days={data.days.map(({ day, messagesSent }) => ({ day, value: messagesSent }))}
              />
              <DayChart
                title="Active users"
                days={data.days.map(({ day, activeUsers }) => ({ day, value: activeUsers }))}
              />
            </div>
          </Section>
        </>
      )}
      <ServerStatus />
    </ConsolePage>
  )
}
