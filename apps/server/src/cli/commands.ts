import { defineCommand, wholeNumberOption } from './command.ts'

/* All commands. Each imports its modules when it runs, so that help and usage errors are fast. */

const MAX_USERS = 1_000_000
const MAX_MESSAGES = 100_000_000

const start = defineCommand({
  name: 'start',
  summary: 'Run the server until SIGINT or SIGTERM. Migrates the schema first.',
  details: [
    'With SOTTO_MIGRATE=off the schema must be up to date: run sotto migrate first.',
    'On a signal, /readyz reports "not ready" for SOTTO_DRAIN_SECONDS. Then the server accepts no new connections,',
    'finishes open requests and exits with code 0. Requests that take longer than 10 seconds are cut off and logged.',
  ],
  arguments: [],
  options: {},
  async run(io) {
    // Read before the server is loaded, so that invalid settings fail fast.
    const { readConfig } = await import('../settings/config.ts')
    const config = readConfig(io.env)
    const { start } = await import('./start.ts')
    await start(io, config)
  },
})

const migrate = defineCommand({
  name: 'migrate',
  summary: 'Migrate the schema and list the applied migrations.',
  details: ['Uses DATABASE_DIRECT_URL if set, otherwise DATABASE_URL.'],
  arguments: [],
  options: {},
  async run(io) {
    const { migrate } = await import('./migrate.ts')
    await migrate(io)
  },
})

const seed = defineCommand({
  name: 'seed',
  summary: 'Fill a database with sample data. The data is the same every time.',
  details: [
    'Without options: a small data set with users, conversations, images, videos, reactions and read marks.',
    'With --users or --messages: a large data set for benchmarks. Seeding again changes nothing.',
    'The users have no passwords: act for them with a service key (Act-As), or run sotto user password.',
  ],
  arguments: [],
  options: {
    users: { type: 'string', value: 'N', help: 'number of users (default: 1000)' },
    messages: { type: 'string', value: 'N', help: 'number of messages (default: 100000)' },
    conversations: {
      type: 'string',
      value: 'N',
      help: 'number of conversations (default: one per 100 messages)',
    },
    'largest-conversation': {
      type: 'string',
      value: 'N',
      help: 'number of messages in the largest conversation (default: 1%)',
    },
  },
  async run(io, options) {
    const size = {
      users: wholeNumberOption('users', options.users, { min: 2, max: MAX_USERS }),
      messages: wholeNumberOption('messages', options.messages, { min: 1, max: MAX_MESSAGES }),
      conversations: wholeNumberOption('conversations', options.conversations, { min: 1, max: MAX_MESSAGES }),
      largestConversation: wholeNumberOption('largest-conversation', options['largest-conversation'], {
        min: 1,
        max: MAX_MESSAGES,
      }),
    }
    const { seed } = await import('./seed.ts')
    await seed(io, size)
  },
})

const setup = defineCommand({
  name: 'setup',
  summary: 'Print a link for creating the first account or opening a demo, while no user exists.',
  details: [
    'The first start also prints one. A new link replaces the previous one and is valid for a day.',
    'The link is built from HOST and PORT: behind a proxy, replace them with the public address.',
  ],
  arguments: [],
  options: {},
  async run(io) {
    const { setup } = await import('./setup.ts')
    await setup(io)
  },
})

const keyCreate = defineCommand({
  name: 'key create',
  summary: 'Create a service key. Prints the key to standard output and its id to standard error.',
  details: [
    'The key is shown only once and stored hashed. A key with all scopes can do everything.',
    'To rotate a key, create a new one, deploy it, then revoke the old one. Both are valid in between.',
  ],
  arguments: [],
  options: {
    name: { type: 'string', value: 'name', required: true, help: 'what the key is for' },
    scopes: {
      type: 'string',
      value: 'list',
      help: 'any of read,write,admin, separated by commas (default: all)',
    },
    expires: {
      type: 'string',
      value: 'time',
      help: 'expiry time, such as 2027-01-31T12:00:00Z (default: never)',
    },
  },
  async run(io, options) {
    const { createKey } = await import('./keys.ts')
    await createKey(io, options)
  },
})

const keyList = defineCommand({
  name: 'key list',
  summary: 'List service keys, newest first: id, state, scopes, created, expires, last used, name.',
  arguments: [],
  options: {},
  async run(io) {
    const { listKeys } = await import('./keys.ts')
    await listKeys(io)
  },
})

const keyRevoke = defineCommand({
  name: 'key revoke',
  summary: 'Revoke a service key. Running servers apply it within a second.',
  arguments: ['id'],
  options: {},
  async run(io, _options, id) {
    const { revokeKey } = await import('./keys.ts')
    await revokeKey(io, id)
  },
})

const userCreate = defineCommand({
  name: 'user create',
  summary: 'Create a user and print its id.',
  details: ['Without a password, only service keys can act for the user.'],
  arguments: ['username'],
  options: {
    'display-name': { type: 'string', value: 'name', help: 'display name' },
    email: {
      type: 'string',
      value: 'address',
      help: 'email address; only visible to the user and to bare service keys',
    },
    'password-stdin': { type: 'boolean', help: 'read the password from standard input' },
  },
  async run(io, options, username) {
    const { createUser } = await import('./users.ts')
    await createUser(io, {
      username,
      displayName: options['display-name'],
      email: options.email,
      passwordFromInput: options['password-stdin'],
    })
  },
})

const userPassword = defineCommand({
  name: 'user password',
  summary: "Set a user's password and end their sessions.",
  details: ['Prompts for the password on a terminal, otherwise reads it from standard input.'],
  arguments: ['username'],
  options: {},
  async run(io, _options, username) {
    const { setPassword } = await import('./users.ts')
    await setPassword(io, username)
  },
})

const userReset = defineCommand({
  name: 'user reset',
  summary: 'Create a password reset link and print it.',
  details: [
    'Send it to the user: it can be used once, within an hour. Behind a proxy, replace its address with your own.',
    'It replaces the previous link of the user. Without the web client, prints the token for POST /v1/password-resets.',
  ],
  arguments: ['username'],
  options: {},
  async run(io, _options, username) {
    const { resetPassword } = await import('./users.ts')
    await resetPassword(io, username)
  },
})

const userAdmin = defineCommand({
  name: 'user admin',
  summary: 'Make a user an admin. Running servers apply it within a second.',
  arguments: ['username'],
  options: {},
  async run(io, _options, username) {
    const { makeAdmin } = await import('./users.ts')
    await makeAdmin(io, username)
  },
})

const userExport = defineCommand({
  name: 'user export',
  summary: 'Export all data of a user as JSON lines to standard output.',
  arguments: ['username'],
  options: {},
  async run(io, _options, username) {
    const { exportUser } = await import('./users.ts')
    await exportUser(io, username)
  },
})

const userErase = defineCommand({
  name: 'user erase',
  summary: 'Erase a user and all of their messages. This cannot be undone.',
  details: [
    'Running servers end the sessions of the user and repeat the erasure after a minute, to catch concurrent',
    'writes; if no server is running, the next one to start does.',
  ],
  arguments: ['username'],
  options: {},
  async run(io, _options, username) {
    const { eraseUser } = await import('./users.ts')
    await eraseUser(io, username)
  },
})

const exportData = defineCommand({
  name: 'export',
  summary: 'Export all data of the installation to a file of JSON lines. Safe while a server is running.',
  details: [
    'The export is a consistent snapshot with checksums. The file gets its name once it is complete; an',
    'interrupted export has to be restarted. A file name that ends with .gz is compressed.',
    'Protect it like the database: it contains all messages and the hashes of passwords, keys and sessions.',
  ],
  arguments: [],
  options: {
    output: { type: 'string', value: 'file', required: true, help: 'output file, or - for standard output' },
  },
  async run(io, { output }) {
    const { exportAll } = await import('./export.ts')
    await exportAll(io, output)
  },
})

const importData = defineCommand({
  name: 'import',
  summary: 'Import an export into an empty database, SQLite or PostgreSQL.',
  details: [
    'The file is an export of the same version, or - for standard input. A file that ends with .gz is decompressed.',
    'After an interruption, run it again with the same file to resume; servers do not start until it is complete.',
    'Two-factor authentication and webhooks need the SOTTO_SECRET of the exported installation; on SQLite without',
    'that setting, it is the content of the file <database>.secret.',
  ],
  arguments: ['file'],
  options: {},
  async run(io, _options, file) {
    const { importAll } = await import('./import.ts')
    await importAll(io, file)
  },
})

const backupFile = defineCommand({
  name: 'backup',
  summary: 'Copy a SQLite database to a new file and check the copy. Safe while a server is running.',
  details: [
    'The copy is a consistent snapshot. To restore it, stop the server, replace the database file, start.',
    'It does not contain the file <database>.secret: back that up separately, or set SOTTO_SECRET.',
  ],
  arguments: ['file'],
  options: {},
  async run(io, _options, file) {
    const { backup } = await import('./backup.ts')
    await backup(io, file)
  },
})

const doctor = defineCommand({
  name: 'doctor',
  summary: 'Check the settings and everything the server needs, and suggest fixes.',
  details: [
    'Changes nothing and can run next to a server. Exits with code 1 if a check failed; warnings exit with 0.',
  ],
  arguments: [],
  options: { json: { type: 'boolean', help: 'print all findings as JSON' } },
  async run(io, options) {
    const { doctor } = await import('./doctor.ts')
    await doctor(io, options)
  },
})

export const commands = [
  start,
  migrate,
  setup,
  seed,
  keyCreate,
  keyList,
  keyRevoke,
  userCreate,
  userPassword,
  userReset,
  userAdmin,
  userExport,
  userErase,
  exportData,
  importData,
  backupFile,
  doctor,
]
