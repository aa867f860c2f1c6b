import { isUniqueViolation, store } from '@sotto/db'
import type { App } from '../app/app.ts'
import { type DataSize, MAX_CONVERSATIONS, possibleConversations, sampleUser } from '../seed/large-data.ts'
import { seedLargeData } from '../seed/seed-large.ts'
import { seedSmallData } from '../seed/seed-small.ts'
import { readConfig } from '../settings/config.ts'
import { demoUsers } from '../setup/demo-users.ts'
import { UsageError } from './command.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'
import { openApp } from './open-app.ts'
import { showProgress } from './progress.ts'

type SizeOptions = { [Name in keyof DataSize]: number | undefined }

/** `sotto seed`: the small data set, or a large one if any size is given. Changes nothing if it already exists. */
export async function seed(io: Io, options: SizeOptions): Promise<void> {
  const isLarge = Object.values(options).some((value) => value !== undefined)
  const size = isLarge ? toDataSize(options) : undefined
  await using opened = await openApp(readConfig(io.env))
  const { app } = opened
  if (await isSeeded(app, size ? sampleUser(0).username : demoUsers[0].username)) {
    io.stdout.write(`The sample data already exists, nothing was changed: ${await describeContent(app)}.\n`)
    return
  }
  const startedAt = performance.now()
  const progress = showProgress(io.stderr, 'messages')
  try {
    if (size) await seedLargeData(app.db, size, progress.update)
    else await seedSmallData(app, { progress: progress.update })
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new CommandError(
      'the database already contains users or messages of the sample data: seed an empty database',
      {
        cause: error,
      },
    )
  } finally {
    progress.end()
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  io.stdout.write(`Seeded in ${seconds} s. The database now has ${await describeContent(app)}.\n`)
  if (size) {
    const [one, other] = [sampleUser(0).username, sampleUser(1).username]
    io.stdout.write(`The largest conversation is between ${one} and ${other}.\n`)
  }
}

const MESSAGES_PER_CONVERSATION = 100
const LARGEST_SHARE = 0.01
const DEFAULT_USERS = 1_000
const DEFAULT_MESSAGES = 100_000

/** @throws {UsageError} if the sizes contradict each other. */
function toDataSize(options: SizeOptions): DataSize {
  const users = options.users ?? DEFAULT_USERS
  const messages = options.messages ?? Math.max(DEFAULT_MESSAGES, options.largestConversation ?? 0)
  const maxConversations = Math.min(possibleConversations(users), messages, MAX_CONVERSATIONS)
  const conversations =
    options.conversations ?? Math.min(maxConversations, Math.ceil(messages / MESSAGES_PER_CONVERSATION))
  if (conversations > maxConversations) {
    throw new UsageError(
      `--conversations must be at most ${maxConversations} for ${users} users and ${messages} messages`,
    )
  }
  // The other conversations have at least one message each.
  const maxLargest = messages - (conversations - 1)
  const largestConversation =
    conversations === 1
      ? messages
      : (options.largestConversation ?? Math.min(maxLargest, Math.ceil(messages * LARGEST_SHARE)))
  if (largestConversation > maxLargest) {
    throw new UsageError(
      `--largest-conversation must be at most ${maxLargest} for ${messages} messages in ${conversations} conversations`,
    )
  }
  return { users, messages, conversations, largestConversation }
}

/** Whether the data set exists. The profile of the first user is updated last, which marks it as complete. */
async function isSeeded(app: App, firstUser: string): Promise<boolean> {
  const user = await store.users.find(app.db, firstUser)
  if (!user) return false
  if (user.updated_at > user.created_at) return true
  throw new CommandError(
    `an earlier seed was interrupted, or ${firstUser} is another user: seed an empty database`,
  )
}

async function describeContent(app: App): Promise<string> {
  const { users, conversations, messages } = await store.sampleData.count(app.db)
  return `${grouped(users)} users, ${grouped(conversations)} conversations, ${grouped(messages)} messages`
}

function grouped(count: number): string {
  return count.toLocaleString('en')
}
