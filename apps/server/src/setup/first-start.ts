import { keyScopes } from '@sotto/contract'
import { type Executor, newest, store } from '@sotto/db'
import { type AuditOrigin, auditOriginOf } from '../audit/record-audit.ts'
import { insertServiceKey } from '../identity/create-key.ts'
import type { Config } from '../settings/config.ts'
import { hasNoUsers, hasValidToken, issueSetupToken } from './setup-token.ts'

/** The secrets that a start has created for initial access. They are stored hashed, so they cannot be read later. */
export interface FirstStart {
  serviceKey: string | undefined
  /** Only if the web client is served and no user exists. */
  setupToken: string | undefined
  /** Whether no server has started on this database before, and nothing has filled it. */
  isFirst: boolean
}

/**
 * Creates a service key and a setup token if they are missing. If several servers start at the same time, only one
 * creates them, and the others wait.
 */
export async function bootstrapAccess(
  db: Executor,
  config: Pick<Config, 'serviceKey' | 'webClient'>,
  app: AuditOrigin['app'],
): Promise<FirstStart> {
  const origin = auditOriginOf('server', app)
  return db.transaction().execute(async (trx) => {
    const isNew = await store.setup.create(trx)
    const setup = await store.setup.hold(trx)
    const isEmpty = await hasNoUsers(trx, setup)
    const needsKey =
      config.serviceKey === undefined && (await store.serviceKeys.list(trx, newest, 1)).length === 0
    const needsToken = config.webClient && !hasValidToken(setup, app.now()) && isEmpty
    return {
      serviceKey: needsKey
        ? (await insertServiceKey(trx, origin, { name: 'first', scopes: [...keyScopes] })).key
        : undefined,
      isFirst: isNew && isEmpty,
      setupToken: needsToken ? await issueSetupToken(trx, origin) : undefined,
    }
  })
}
