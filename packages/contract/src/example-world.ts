/**
 * Ids, times and secrets of the world that all examples share, so that they fit together in the OpenAPI document,
 * in the docs and in the tests, which build this very world. Its users, messages and so on are next to their schemas.
 */

export const exampleTimes = {
  joined: new Date('2026-01-31T09:00:00.000Z'),
  sent: new Date('2026-01-31T12:00:00.000Z'),
} as const

/** When alice logged in, and for how long. */
export const exampleLogIn = {
  at: exampleTimes.sent,
  expiresAt: new Date('2026-03-02T12:00:00.000Z'),
} as const

export const exampleIds = {
  alice: '019c13a0-0000-7000-8000-00000000000a',
  bob: '019c13a0-0000-7000-8000-00000000000b',
  ada: '019c13a0-0000-7000-8000-00000000000c',
  conversation: '019c13a0-0000-7000-8000-0000000000c1',
  message: '019c13a0-0000-7000-8000-0000000000d1',
  group: '019c13a0-0000-7000-8000-0000000000c2',
  key: '019c13a0-0000-7000-8000-0000000000e1',
  act: '019c13a0-0000-7000-8000-0000000000f1',
  session: '019c13a0-0000-7000-8000-0000000000e2',
  invitation: '019c13a0-0000-7000-8000-0000000000e3',
  webhook: '019c13a0-0000-7000-8000-0000000000e4',
  delivery: '019c13a0-0000-7000-8000-0000000000e5',
} as const

/** Stand for secrets, which are others each time. */
export const exampleSecrets = {
  session: 'st_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  invitation: 'in_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  setup: 'su_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  passwordReset: 'pr_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  totpCode: '492039',
  webhook: 'whsec_3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
} as const
