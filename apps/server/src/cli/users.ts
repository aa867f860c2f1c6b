import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { contract, foldUserRef } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import { auditOriginOf, recordAudit } from '../audit/record-audit.ts'
import { addUser } from '../identity/add-user.ts'
import { makePasswordReset } from '../identity/issue-password-reset.ts'
import { changePassword, hashNewPassword } from '../identity/password-change.ts'
import { beginErasure } from '../privacy/erase-user.ts'
import { exportPages } from '../privacy/export-user.ts'
import { readConfig } from '../settings/config.ts'
import { endSetup } from '../setup/demo.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'
import { resetLink } from './links.ts'
import { openApp } from './open-app.ts'
import { readPassword, readPasswordFromInput } from './password.ts'
import { reachableUrl } from './reachable-url.ts'

interface NewUser {
  username: string
  displayName: string | undefined
  email: string | undefined
  passwordFromInput: boolean
}

const userInput = contract.users.create.input

/** `sotto user create`: prints only the id. */
export async function createUser(io: Io, { passwordFromInput, ...profile }: NewUser): Promise<void> {
  const password = passwordFromInput ? await readPasswordFromInput(io) : undefined
  const parsed = userInput.safeParse({ ...profile, password })
  if (!parsed.success) throw inputError(parsed.error.issues[0])
  await using opened = await openApp(readConfig(io.env))
  const user = await addUser(opened.app, parsed.data, 'command')
  io.stdout.write(`${user.id}\n`)
}

/** `sotto user password`: also ends the user's sessions. */
export async function setPassword(io: Io, username: string): Promise<void> {
  await using opened = await openApp(readConfig(io.env))
  const { app } = opened
  const user = await requireUser(app.db, username)
  const parsed = userInput.shape.password.safeParse(await readPassword(io))
  if (!parsed.success)
    throw inputError({ path: ['password'], message: parsed.error.issues[0]?.message ?? '' })
  if (parsed.data === undefined) throw new CommandError('a password is required')
  const passwordHash = await hashNewPassword(app.identity.passwords, parsed.data, 'password')
  await app.db.transaction().execute(async (trx) => {
    await changePassword(trx, user.id, { passwordHash, at: app.now() })
    await recordAudit(trx, auditOriginOf('command', app), { action: 'user.password_set', subjectId: user.id })
  })
}

/** `sotto user reset`: prints only the link, or without the web client the token. */
export async function resetPassword(io: Io, username: string): Promise<void> {
  const config = readConfig(io.env)
  await using opened = await openApp(config)
  const { app } = opened
  const user = await requireUser(app.db, username)
  const { token } = await app.db.transaction().execute(async (trx) => {
    await recordAudit(trx, auditOriginOf('command', app), {
      action: 'user.password_reset_issued',
      subjectId: user.id,
    })
    return makePasswordReset(trx, app, user.id)
  })
  const url = reachableUrl(config.host, String(config.port))
  io.stdout.write(`${config.webClient ? resetLink(url, token) : token}\n`)
}

/** `sotto user admin` */
export async function makeAdmin(io: Io, username: string): Promise<void> {
  await using opened = await openApp(readConfig(io.env))
  const { app } = opened
  const user = await requireUser(app.db, username)
  await app.db.transaction().execute(async (trx) => {
    if (await store.accounts.updateRole(trx, user.id, 'admin')) {
      await endSetup(trx)
      await recordAudit(trx, auditOriginOf('command', app), {
        action: 'user.role_changed',
        subjectId: user.id,
      })
    }
  })
}

/** `sotto user erase`: erases the account, then the content. A server does the second sweep later. */
export async function eraseUser(io: Io, username: string): Promise<void> {
  await using opened = await openApp(readConfig(io.env))
  const { app } = opened
  const user = await requireUser(app.db, username)
  await app.db.transaction().execute((trx) => beginErasure(trx, auditOriginOf('command', app), user.id))
  await app.jobs.runDue()
}

const LINES_PER_PAGE = 200

/** `sotto user export`: prints JSON lines. */
export async function exportUser(io: Io, username: string): Promise<void> {
  await using opened = await openApp(readConfig(io.env))
  const { app } = opened
  const user = await requireUser(app.db, username)
  await app.db
    .transaction()
    .execute((trx) =>
      recordAudit(trx, auditOriginOf('command', app), { action: 'user.exported', subjectId: user.id }),
    )
  async function* lines(): AsyncGenerator<string> {
    for await (const page of exportPages(app, user.id, LINES_PER_PAGE)) {
      yield page.map((line) => `${JSON.stringify(line)}\n`).join('')
    }
  }
  await pipeline(Readable.from(lines()), io.stdout, { end: false })
}

async function requireUser(db: Executor, username: string): Promise<{ id: string }> {
  const user = await store.users.find(db, foldUserRef(username))
  if (!user) throw new CommandError(`no such user: ${username}`)
  return user
}

function inputError(issue: { path: readonly PropertyKey[]; message: string } | undefined): CommandError {
  return new CommandError(`${issue?.path.join('.')} ${issue?.message}`)
}
