import { contract } from '@sotto/contract'
import { deleteSessionsOf, findUser, updatePasswordHash } from '@sotto/db'
import { addUser } from '../identity/create-user.ts'
import { CommandError } from './command-error.ts'
import { openApp } from './open-app.ts'
import { readPassword, readPasswordFromInput } from './password.ts'

interface NewUser {
  username: string
  displayName: string | undefined
  email: string | undefined
  passwordFromInput: boolean
}

const userInput = contract.users.create.input

/** `sotto user create`: prints the id alone. */
export async function createUser({ passwordFromInput, ...profile }: NewUser): Promise<void> {
  const password = passwordFromInput ? await readPasswordFromInput() : undefined
  const parsed = userInput.safeParse({ ...profile, password })
  if (!parsed.success) throw wrongInput(parsed.error.issues[0])
  await using opened = await openApp()
  const user = await addUser(opened.app, parsed.data)
  process.stdout.write(`${user.id}\n`)
}

/** `sotto user password`: whoever was logged in with the old one is logged out. */
export async function setPassword(username: string): Promise<void> {
  await using opened = await openApp()
  const { db, identity, now } = opened.app
  const user = await findUser(db, username.toLowerCase())
  if (!user) throw new CommandError(`there is no user ${username}`)
  const parsed = userInput.shape.password.safeParse(await readPassword())
  if (!parsed.success)
    throw wrongInput({ path: ['password'], message: parsed.error.issues[0]?.message ?? '' })
  if (parsed.data === undefined) throw new CommandError('the password is missing')
  const passwordHash = await identity.passwords.hash(parsed.data)
  await db.transaction().execute(async (trx) => {
    await updatePasswordHash(trx, user.id, passwordHash, now())
    await deleteSessionsOf(trx, user.id)
  })
}

function wrongInput(issue: { path: readonly PropertyKey[]; message: string } | undefined): CommandError {
  return new CommandError(`${issue?.path.join('.')} ${issue?.message}`)
}
