import { z } from 'zod'
import { exampleSignIn } from './example-data.ts'
import { query } from './procedure.ts'
import { integer, timestamp, wholeNumber } from './values.ts'

const MAX_DAYS = 90
const DEFAULT_DAYS = 30

const total = (what: string) => integer.nullable().meta({ description: what })

export const stats = {
  get: query({
    summary: 'Get totals and daily statistics',
    description:
      'For the whole installation. The totals were last counted at `countedAt`, and are null until the first count is complete. Days are in UTC. The most recent events may not be included yet, especially on a very busy installation.',
    access: 'admin',
    errors: ['FORBIDDEN'],
    http: { method: 'GET', path: '/v1/stats', status: 200 },
    input: z.strictObject({
      days: wholeNumber(1, MAX_DAYS)
        .default(DEFAULT_DAYS)
        .meta({ description: 'The number of days, including today.' }),
    }),
    output: z
      .object({
        users: total('All users except erased ones.'),
        conversations: total('Direct conversations and groups.'),
        messages: total('All messages ever sent, including deleted ones.'),
        countedAt: timestamp.nullable(),
        days: z
          .array(
            z.object({
              day: z.string().meta({ format: 'date' }),
              messagesSent: integer,
              activeUsers: integer.meta({
                description:
                  'Users who sent or edited a message, reacted to one, or marked one as read on that day.',
              }),
            }),
          )
          .meta({ description: 'Oldest first, including days without activity. The last one is today.' }),
      })
      .meta({ id: 'Stats' }),
    example: {
      as: 'key',
      input: { days: 1 },
      output: {
        users: 2,
        conversations: 1,
        messages: 1,
        countedAt: exampleSignIn.at,
        days: [{ day: '2026-01-31', messagesSent: 1, activeUsers: 1 }],
      },
    },
  }),
  server: query({
    summary: 'Get the current state of a server',
    description:
      'Only for the server that responds: each server has its own numbers. See docs/metrics.md for metrics over time.',
    access: 'admin',
    errors: ['FORBIDDEN'],
    http: { method: 'GET', path: '/v1/stats/server', status: 200 },
    input: z.strictObject({}),
    output: z
      .object({
        version: z.string(),
        startedAt: timestamp,
        calls: integer.meta({ description: 'Calls answered since the server started.' }),
        failures: integer.meta({
          description: 'Calls that failed with INTERNAL or UNAVAILABLE.',
        }),
        openStreams: integer.meta({ description: 'Open event streams and waiting long polls.' }),
        logDelaySeconds: z.number().nullable().meta({
          description:
            'The time between writing the last event and sending it to streams. Null before the first event.',
        }),
        logHeldBack: z
          .boolean()
          .meta({ description: 'Whether committed events are waiting for an older transaction to end.' }),
        sendsWaiting: integer.meta({ description: 'Messages that have not been written yet.' }),
        deliveryMarksWaiting: integer.meta({
          description: 'Delivery receipts that have not been written yet.',
        }),
        passwordsWaiting: integer.meta({ description: 'Passwords waiting to be verified or hashed.' }),
        webhookDeliveriesWaiting: integer.nullable().meta({
          description: 'Pending webhook deliveries. Null on servers that do not send them.',
        }),
      })
      .meta({ id: 'ServerStats' }),
    example: {
      as: 'key',
      input: {},
      output: {
        version: '0.1.0',
        startedAt: exampleSignIn.at,
        calls: 7,
        failures: 0,
        openStreams: 0,
        logDelaySeconds: null,
        logHeldBack: false,
        sendsWaiting: 0,
        deliveryMarksWaiting: 0,
        passwordsWaiting: 0,
        webhookDeliveriesWaiting: null,
      },
    },
  }),
}
