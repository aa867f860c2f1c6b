import { useSotto } from '@sotto/react'
import type { RouterOutputs } from '@sotto/sdk'
import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { DescriptionList } from './description-list.tsx'
import { QueryStatus } from './query-status.tsx'
import { Section } from './section.tsx'
import { Timestamp } from './timestamp.tsx'
import { Trend } from './trend.tsx'
import { CONSOLE } from './use-paged-query.ts'

type ServerStats = RouterOutputs['stats']['server']

/** How often a server is asked, in milliseconds, and how many of its answers a trend shows: five minutes. */
const REFRESH_MS = 5_000
const SHOWN = 60

const number = new Intl.NumberFormat()
const milliseconds = new Intl.NumberFormat(undefined, {
  style: 'unit',
  unit: 'millisecond',
  maximumFractionDigits: 0,
})

/** The server that answers: where there are several, this is one of them. */
export function ServerStatus() {
  const sotto = useSotto()
  const history = useRef<readonly ServerStats[]>([])
  const {
    data: answers,
    isPending,
    error,
  } = useQuery({
    queryKey: [CONSOLE, 'server'],
    async queryFn({ signal }) {
      const stats = await sotto.stats.server({}, { signal })
      // Behind a balancer the next answer may be another server's, whose numbers do not follow on these.
      const before = history.current.filter(
        ({ startedAt }) => startedAt.getTime() === stats.startedAt.getTime(),
      )
      history.current = [...before, stats].slice(-SHOWN)
      return history.current
    },
    refetchInterval: REFRESH_MS,
    gcTime: 0,
  })
  const now = answers?.at(-1)
  return (
    <Section title="This server">
      <QueryStatus isPending={isPending} error={error} />
      {now && answers && (
        <>
          <DescriptionList
            of={{
              Version: now.version,
              'Running since': <Timestamp at={now.startedAt} />,
              'Calls answered': number.format(now.calls),
            }}
          />
          <dl className="trends">
            <Trend
              label="Open streams"
              now={number.format(now.openStreams)}
              values={answers.map(({ openStreams }) => openStreams)}
            />
            <Trend
              label="Delay of events"
              now={delayOf(now)}
              values={answers.map(({ logDelaySeconds }) => logDelaySeconds)}
            />
            <Trend
              label="Failures since it started"
              now={number.format(now.failures)}
              values={answers.map(({ failures }) => failures)}
            />
            <Trend
              label="Waiting to be done"
              now={number.format(waitingOf(now))}
              values={answers.map(waitingOf)}
            />
          </dl>
          <DescriptionList
            of={{
              'Messages to be written': number.format(now.sendsWaiting),
              'Delivered marks to be written': number.format(now.deliveryMarksWaiting),
              'Passwords to be checked': number.format(now.passwordsWaiting),
              'Webhook deliveries to be made':
                now.webhookDeliveriesWaiting === null
                  ? 'none, or by another server'
                  : number.format(now.webhookDeliveriesWaiting),
            }}
          />
        </>
      )}
    </Section>
  )
}

function delayOf({ logDelaySeconds, logHeldBack }: ServerStats): string {
  const delay = logDelaySeconds === null ? 'no event yet' : milliseconds.format(logDelaySeconds * 1_000)
  return logHeldBack ? `${delay}; held back by a transaction` : delay
}

function waitingOf(stats: ServerStats): number {
  const { sendsWaiting, deliveryMarksWaiting, passwordsWaiting, webhookDeliveriesWaiting } = stats
  return sendsWaiting + deliveryMarksWaiting + passwordsWaiting + (webhookDeliveriesWaiting ?? 0)
}
