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
/** How often the statistics are refetched, in milliseconds. */
const REFRESH_MS = 30_000

const number = new Intl.NumberFormat()

/** Totals, activity per day and the status of the server. */
export function Overview() {
  const sotto = useSotto()
  const { data, isPending, error } = useQuery({
    queryKey: [CONSOLE, 'stats'],
    queryFn: ({ signal }) => sotto.stats.get({ days: DAYS }, { signal }),
    refetchInterval: REFRESH_MS,
  })
  const shown = (total: number | null) => (total === null ? 'counting…' : number.format(total))
  return (
    <ConsolePage title="Overview">
      <QueryStatus isPending={isPending} error={error} />
      {data && (
        <>
          <Section title="Total">
            <DescriptionList
              items={{
                Users: shown(data.users),
                Conversations: shown(data.conversations),
                'Messages sent': shown(data.messages),
                Counted: data.countedAt ? <Timestamp at={data.countedAt} /> : undefined,
              }}
            />
          </Section>
          <Section title={`Last ${DAYS} days`}>
            <p className="hint">Days in UTC. Active users sent, edited, reacted to or read a message.</p>
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
