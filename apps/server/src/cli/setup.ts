import { store } from '@sotto/db'
import { auditOriginOf } from '../audit/record-audit.ts'
import { readConfig } from '../settings/config.ts'
import { hasNoUsers, issueSetupToken } from '../setup/setup-token.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'
import { openApp } from './open-app.ts'
import { reachableUrl } from './reachable-url.ts'
import { setupLink } from './setup-link.ts'

/** `sotto setup`: prints a new setup link, which replaces the previous one. */
export async function setup(io: Io): Promise<void> {
  const config = readConfig(io.env)
  await using opened = await openApp(config)
  const { app } = opened
  const token = await app.db.transaction().execute(async (trx) => {
    if (!(await hasNoUsers(trx, await store.setup.hold(trx)))) {
      throw new CommandError(
        'a user already exists: to create an admin, run sotto user create and sotto user admin',
      )
    }
    return issueSetupToken(trx, auditOriginOf('command', app))
  })
  io.stdout.write(`${setupLink(reachableUrl(config.host, String(config.port)), token)}\n`)
}
