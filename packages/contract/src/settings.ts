import { z } from 'zod'
import { query } from './procedure.ts'
import { plainString } from './values.ts'

const settingSources = ['default', 'environment', 'file', 'unset'] as const

const setting = z
  .object({
    name: z.string(),
    value: z.string().nullable().meta({
      description:
        'Null for secrets and for settings without a value. URLs are shown without password and parameters.',
    }),
    source: z.enum(settingSources),
    secret: z.boolean(),
  })
  .meta({
    id: 'Setting',
    description:
      'source is where the value comes from: the environment, a file named by `<name>_FILE`, or the default. It is `unset` if there is no value.',
  })
/** A setting and its current value. */
export type Setting = z.output<typeof setting>

export const settings = {
  list: query({
    summary: 'List the current settings',
    description:
      'The settings of the server that responds, as read when it started. For secrets, only whether they are set.',
    access: 'admin',
    errors: ['FORBIDDEN'],
    http: { method: 'GET', path: '/v1/settings', status: 200 },
    input: z.strictObject({
      prefix: plainString
        .max(64, 'must be at most 64 characters')
        .optional()
        .meta({ description: 'Only settings whose name starts with this.' }),
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
