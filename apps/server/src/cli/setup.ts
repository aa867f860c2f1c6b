import { store } from '@sotto/db'
import { auditOriginOf } from '../audit/record-audit.ts'
import { readConfig } from '../settings/config.ts'
import { issueSetupToken } from '../setup/setup-token.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'
import { setupLink } from './links.ts'
import { openApp } from './open-app.ts'
import { reachableUrl } from './reachable-url.ts'

/** `sotto setup`: prints a new setup link, which replaces the previous one. */
export async function setup(io: Io): Promise<void> {
  const config = readConfig(io.env)
  await using opened = await openApp(config)
  const { app } = opened
  const token = await app.db.transaction().execute(async (trx) => {
    await store.setup.hold(trx)
    if (await store.setup.hasAdmin(trx)) {
      throw new CommandError(
        'an admin already exists: to create another, run sotto user create and sotto user admin',
      )
    }
    return issueSetupToken(trx, auditOriginOf('command', app))
  })
  io.stdout.write(`${setupLink(reachableUrl(config.host, String(config.port)), token)}\n`)
}
