import { z } from 'zod'
import { query } from './procedure.ts'
import { plainString } from './values.ts'

const settingSources = ['default', 'environment', 'file', 'unset'] as const

const setting = z
  .object({
    name: z.string(),
    value: z.string().nullable().meta({
      description: 'Null for a secret, and for what is not set. A URL is without password and parameters.',
    }),
    source: z.enum(settingSources),
    secret: z.boolean(),
  })
  .meta({
    id: 'Setting',
    description:
      'Where the value is from: the environment, a file that `<name>_FILE` names, or the default; `unset` has neither.',
  })
/** A setting as it is in force. */
export type Setting = z.output<typeof setting>

export const settings = {
  list: query({
    summary: 'See the settings in force',
    description:
      'Of the server that answers, as it read them when it started. Of secrets it is told whether they are set, and nothing else.',
    access: 'admin',
    errors: ['FORBIDDEN'],
    http: { method: 'GET', path: '/v1/settings', status: 200 },
    input: z.strictObject({
      prefix: plainString
        .max(64, 'takes at most 64 characters')
        .optional()
        .meta({ description: 'Those whose name begins with it.' }),
    }),
    output: z.object({ settings: z.array(setting) }).meta({ id: 'Settings' }),
    example: {
      as: 'key',
      input: { prefix: 'SOTTO_EVENT' },
      output: {
        settings: [{ name: 'SOTTO_EVENT_RETENTION_DAYS', value: '30', source: 'default', secret: false }],
      },
    },
  }),
}
