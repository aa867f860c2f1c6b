/*
 * The ids, times and secrets that all examples share, so that examples are consistent in the OpenAPI document and the
 * docs. Tests create this data. The example users, messages and so on are defined next to their schemas.
 */

export const exampleTimes = {
  joined: new Date('2026-01-31T09:00:00.000Z'),
  sent: new Date('2026-01-31T12:00:00.000Z'),
} as const

/** When alice signed in, and when her session expires. */
export const exampleSignIn = {
  at: exampleTimes.sent,
  expiresAt: new Date('2026-03-02T12:00:00.000Z'),
} as const

export const exampleIds = {
  alice: '019c13a0-0000-7000-8000-00000000000a',
  bob: '019c13a0-0000-7000-8000-00000000000b',
  ada: '019c13a0-0000-7000-8000-00000000000c',
  carol: '019c13a0-0000-7000-8000-00000000000d',
  conversation: '019c13a0-0000-7000-8000-0000000000c1',
  message: '019c13a0-0000-7000-8000-0000000000d1',
  group: '019c13a0-0000-7000-8000-0000000000c2',
  key: '019c13a0-0000-7000-8000-0000000000e1',
  auditEntry: '019c13a0-0000-7000-8000-0000000000f1',
  session: '019c13a0-0000-7000-8000-0000000000e2',
  invitation: '019c13a0-0000-7000-8000-0000000000e3',
  webhook: '019c13a0-0000-7000-8000-0000000000e4',
  delivery: '019c13a0-0000-7000-8000-0000000000e5',
} as const

/** Placeholders: real secrets are random. */
export const exampleSecrets = {
  session: 'st_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  invitation: 'in_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  setup: 'su_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  passwordReset: 'pr_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  totpCode: '492039',
  webhook: 'whsec_3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
} as const
