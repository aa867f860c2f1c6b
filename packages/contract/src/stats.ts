import { z } from 'zod'
import { exampleLogIn } from './example-world.ts'
import { query } from './procedure.ts'
import { timestamp, whole } from './values.ts'

/** About a quarter of a year. */
const MAX_DAYS = 90
const DEFAULT_DAYS = 30

const total = (what: string) => whole.nullable().meta({ description: what })

export const stats = {
  get: query({
    summary: 'See how much there is, and what happened by day',
    description:
      'Of the whole installation. The totals are as they were counted last, at `countedAt`, and null while they are counted for the first time. Days are of UTC and complete but for the events of the last moments: where a very busy installation is behind with counting, asking again shows more.',
    access: 'admin',
    errors: ['FORBIDDEN'],
    http: { method: 'GET', path: '/v1/stats', status: 200 },
    input: z.strictObject({
      days: z
        .int('takes a whole number')
        .min(1, `takes 1 to ${MAX_DAYS}`)
        .max(MAX_DAYS, `takes 1 to ${MAX_DAYS}`)
        .default(DEFAULT_DAYS)
        .meta({ description: 'How many days, with today.' }),
    }),
    output: z
      .object({
        users: total('All but those who were erased.'),
        conversations: total('Direct ones and groups.'),
        messages: total('Ever sent, deleted ones included.'),
        countedAt: timestamp.nullable(),
        days: z
          .array(
            z.object({
              day: z.string().meta({ format: 'date' }),
              messagesSent: whole,
              activeUsers: whole.meta({
                description:
                  'Users who on that day sent or edited a message, reacted to one, or marked one as read.',
              }),
            }),
          )
          .meta({ description: 'Oldest first, days without anything included. Today is the last.' }),
      })
      .meta({ id: 'Stats' }),
    example: {
      as: 'key',
      input: { days: 1 },
      output: {
        users: 2,
        conversations: 1,
        messages: 1,
        countedAt: exampleLogIn.at,
        days: [{ day: '2026-01-31', messagesSent: 1, activeUsers: 1 }],
      },
    },
  }),
  server: query({
    summary: 'See what a server does at the moment',
    description:
      'Of the server that answers alone: where there are several, each has its own numbers. docs/metrics.md has many more, over time.',
    access: 'admin',
    errors: ['FORBIDDEN'],
    http: { method: 'GET', path: '/v1/stats/server', status: 200 },
    input: z.strictObject({}),
    output: z
      .object({
        version: z.string(),
        startedAt: timestamp,
        calls: whole.meta({ description: 'Calls that were answered since it started.' }),
        failures: whole.meta({
          description: 'Of them those with an INTERNAL or an UNAVAILABLE, which are its own fault.',
        }),
        openStreams: whole.meta({ description: 'Event streams, and long polls that wait.' }),
        logDelaySeconds: z.number().nullable().meta({
          description:
            'From when the last event was written until it went to the streams; null before the first.',
        }),
        logHeldBack: z
          .boolean()
          .meta({ description: 'Committed events wait for an older transaction to end.' }),
        sendsWaiting: whole.meta({ description: 'Messages that are not written yet.' }),
        deliveryMarksWaiting: whole.meta({ description: 'Delivered marks that are not written yet.' }),
        passwordsWaiting: whole.meta({ description: 'Passwords that wait to be checked or hashed.' }),
        webhookDeliveriesWaiting: whole.nullable().meta({
          description: 'Deliveries that are still to be made; null on servers that do not make them.',
        }),
      })
      .meta({ id: 'ServerStats' }),
    example: {
      as: 'key',
      input: {},
      output: {
        version: '0.1.0',
        startedAt: exampleLogIn.at,
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
