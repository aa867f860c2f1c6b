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

/** How often the status is refetched, in milliseconds, and the number of samples in a trend: five minutes. */
const REFRESH_MS = 5_000
const MAX_SAMPLES = 60

const number = new Intl.NumberFormat()
const milliseconds = new Intl.NumberFormat(undefined, {
  style: 'unit',
  unit: 'millisecond',
  maximumFractionDigits: 0,
})

/** The status of the server that responds, which may be one of several. */
export function ServerStatus() {
  const sotto = useSotto()
  const history = useRef<readonly ServerStats[]>([])
  const {
    data: samples,
    isPending,
    error,
  } = useQuery({
    queryKey: [CONSOLE, 'server'],
    async queryFn({ signal }) {
      const stats = await sotto.stats.server({}, { signal })
      // Behind a load balancer, another server may respond. Its samples start a new history.
      const earlier = history.current.filter(
        ({ startedAt }) => startedAt.getTime() === stats.startedAt.getTime(),
      )
      history.current = [...earlier, stats].slice(-MAX_SAMPLES)
      return history.current
    },
    refetchInterval: REFRESH_MS,
    gcTime: 0,
  })
  const now = samples?.at(-1)
  return (
    <Section title="This server">
      <QueryStatus isPending={isPending} error={error} />
      {now && samples && (
        <>
          <DescriptionList
            items={{
              Version: now.version,
              Started: <Timestamp at={now.startedAt} />,
              'Requests handled': number.format(now.calls),
            }}
          />
          <dl className="trends">
            <Trend
              label="Open streams"
              now={number.format(now.openStreams)}
              values={samples.map(({ openStreams }) => openStreams)}
            />
            <Trend
              label="Event delay"
              now={delayOf(now)}
              values={samples.map(({ logDelaySeconds }) => logDelaySeconds)}
            />
            <Trend
              label="Failures since start"
              now={number.format(now.failures)}
              values={samples.map(({ failures }) => failures)}
            />
            <Trend label="Queue" now={number.format(queueLength(now))} values={samples.map(queueLength)} />
          </dl>
          <DescriptionList
            items={{
              'Queued messages': number.format(now.sendsWaiting),
              'Queued delivery receipts': number.format(now.deliveryMarksWaiting),
              'Queued password checks': number.format(now.passwordsWaiting),
              'Queued webhook deliveries':
                now.webhookDeliveriesWaiting === null
                  ? 'none, or handled by another server'
                  : number.format(now.webhookDeliveriesWaiting),
            }}
          />
        </>
      )}
    </Section>
  )
}

function delayOf({ logDelaySeconds, logHeldBack }: ServerStats): string {
  const delay = logDelaySeconds === null ? 'no events yet' : milliseconds.format(logDelaySeconds * 1_000)
  return logHeldBack ? `${delay}; waiting for a transaction` : delay
}

function queueLength(stats: ServerStats): number {
  const { sendsWaiting, deliveryMarksWaiting, passwordsWaiting, webhookDeliveriesWaiting } = stats
  return sendsWaiting + deliveryMarksWaiting + passwordsWaiting + (webhookDeliveriesWaiting ?? 0)
}
