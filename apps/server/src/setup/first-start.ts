import { keyScopes } from '@sotto/contract'
import { type Executor, newest, store } from '@sotto/db'
import { type AuditOrigin, originOf } from '../audit/record-audit.ts'
import { makeKey } from '../identity/create-key.ts'
import type { Config } from '../settings/config.ts'
import { hasLiveToken, issueSetupToken, isUnused } from './setup-token.ts'

/** What a start has made so that somebody gets in. It is told here and never again. */
export interface FirstStart {
  serviceKey: string | undefined
  /** Where the web client is served and nobody has an account. */
  setupToken: string | undefined
}

/**
 * Makes what is missing for somebody to get in. Of servers that start at once on one database only one does: the
 * others wait, and find it made.
 */
export async function makeFirstWayIn(
  db: Executor,
  config: Pick<Config, 'serviceKey' | 'webClient'>,
  app: AuditOrigin['app'],
): Promise<FirstStart> {
  const origin = originOf('server', app)
  return db.transaction().execute(async (trx) => {
    const setup = await store.setup.hold(trx)
    const needsKey =
      config.serviceKey === undefined && (await store.serviceKeys.list(trx, newest, 1)).length === 0
    const needsToken = config.webClient && !hasLiveToken(setup, app.now()) && (await isUnused(trx, setup))
    return {
      serviceKey: needsKey
        ? (await makeKey(trx, origin, { name: 'first', scopes: [...keyScopes] })).key
        : undefined,
      setupToken: needsToken ? await issueSetupToken(trx, origin) : undefined,
    }
  })
}
