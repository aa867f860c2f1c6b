import { defineCommand, wholeNumberOption } from './command.ts'

/*
 * Every command. Each loads what it needs when it runs, so that help and mistakes answer at once.
 */

const MAX_USERS = 1_000_000
const MAX_MESSAGES = 100_000_000

const start = defineCommand({
  name: 'start',
  summary: 'Serve until told to stop (SIGINT or SIGTERM); brings the schema up to date first.',
  details: [
    'With SOTTO_MIGRATE=off the schema has to be up to date, as sotto migrate leaves it.',
    'A stop takes no new connections, answers what was accepted, and ends with exit code 0. Requests have',
    '10 seconds for it; what is not answered by then is cut off, and logged. For SOTTO_DRAIN_SECONDS before that',
    'only /readyz changes.',
  ],
  arguments: [],
  options: {},
  async run() {
    // Before the server is loaded, so that a wrong setting is refused at once.
    const { readConfig } = await import('../settings/config.ts')
    const config = readConfig()
    const { start } = await import('./start.ts')
    await start(config)
  },
})

const migrate = defineCommand({
  name: 'migrate',
  summary: 'Bring the schema up to date, and say what was done.',
  details: ['Uses DATABASE_DIRECT_URL where it is set, DATABASE_URL otherwise.'],
  arguments: [],
  options: {},
  async run() {
    const { migrate } = await import('./migrate.ts')
    await migrate()
  },
})

const seed = defineCommand({
  name: 'seed',
  summary: 'Fill a database with sample data, the same each time.',
  details: [
    'Without options: a small world of people, conversations, pictures, videos, reactions, read and unread.',
    'With --users or --messages: a large one, for measuring. Seeding again changes nothing.',
    'Nobody in it has a password: a service key acts for them (Act-As), or give one: sotto user password.',
  ],
  arguments: [],
  options: {
    users: { type: 'string', value: 'N', help: 'how many users (1000)' },
    messages: { type: 'string', value: 'N', help: 'how many messages (100000)' },
    conversations: {
      type: 'string',
      value: 'N',
      help: 'how many conversations (one for each 100 messages); 1 holds all messages',
    },
    'largest-conversation': {
      type: 'string',
      value: 'N',
      help: 'how many of the messages are in one single conversation',
    },
  },
  async run(options) {
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
    await seed(size)
  },
})

const setup = defineCommand({
  name: 'setup',
  summary: 'Print the link where the first account is made, or a demo opened, while nobody has an account.',
  details: [
    'The first start prints one too. A new one takes its place, and is good for a day.',
    'Its address is that of HOST and PORT: put yours there where a proxy stands before the server.',
  ],
  arguments: [],
  options: {},
  async run() {
    const { setup } = await import('./setup.ts')
    await setup()
  },
})

const keyCreate = defineCommand({
  name: 'key create',
  summary: 'Make a service key: the key on standard output, its id on standard error.',
  details: [
    'The key is told this once and kept hashed. With every scope, whoever has it can do everything.',
    'To replace a key: make another, give it to your back end, revoke the first. Both are valid in between.',
  ],
  arguments: [],
  options: {
    name: { type: 'string', value: 'name', required: true, help: 'what it is for' },
    scopes: { type: 'string', value: 'list', help: 'some of read,write,admin, with commas (all of them)' },
    expires: {
      type: 'string',
      value: 'time',
      help: 'from when on it is not valid, as 2027-01-31T12:00:00Z (never)',
    },
  },
  async run(options) {
    const { createKey } = await import('./keys.ts')
    await createKey(options)
  },
})

const keyList = defineCommand({
  name: 'key list',
  summary: 'List the service keys, newest first: id, state, scopes, made, expires, last used, name.',
  arguments: [],
  options: {},
  async run() {
    const { listKeys } = await import('./keys.ts')
    await listKeys()
  },
})

const keyRevoke = defineCommand({
  name: 'key revoke',
  summary: 'End a service key. Running servers notice within a second.',
  arguments: ['id'],
  options: {},
  async run(_options, id) {
    const { revokeKey } = await import('./keys.ts')
    await revokeKey(id)
  },
})

const userCreate = defineCommand({
  name: 'user create',
  summary: 'Make a user, and print their id.',
  details: ['Without a password only service keys can act for the user.'],
  arguments: ['username'],
  options: {
    'display-name': { type: 'string', value: 'name', help: 'the name to show' },
    email: { type: 'string', value: 'address', help: 'shown to the user and to bare service keys alone' },
    'password-stdin': { type: 'boolean', help: 'read a password from standard input' },
  },
  async run(options, username) {
    const { createUser } = await import('./users.ts')
    await createUser({
      username,
      displayName: options['display-name'],
      email: options.email,
      passwordFromInput: options['password-stdin'],
    })
  },
})

const userPassword = defineCommand({
  name: 'user password',
  summary: "Set a user's password, and end their sessions.",
  details: ['Asks for it on a terminal, reads it from standard input otherwise.'],
  arguments: ['username'],
  options: {},
  async run(_options, username) {
    const { setPassword } = await import('./users.ts')
    await setPassword(username)
  },
})

const userReset = defineCommand({
  name: 'user reset',
  summary: "Make a token that sets a user's password, and print it.",
  details: [
    'Hand it to the user: POST /v1/password-resets takes it once, within an hour.',
    'It takes the place of the one before it.',
  ],
  arguments: ['username'],
  options: {},
  async run(_options, username) {
    const { resetPassword } = await import('./users.ts')
    await resetPassword(username)
  },
})

const userAdmin = defineCommand({
  name: 'user admin',
  summary: 'Make a user an admin. Running servers notice within a second.',
  arguments: ['username'],
  options: {},
  async run(_options, username) {
    const { makeAdmin } = await import('./users.ts')
    await makeAdmin(username)
  },
})

const userExport = defineCommand({
  name: 'user export',
  summary: 'Print everything that there is of a user, one line of JSON for each part.',
  arguments: ['username'],
  options: {},
  async run(_options, username) {
    const { exportUser } = await import('./users.ts')
    await exportUser(username)
  },
})

const userErase = defineCommand({
  name: 'user erase',
  summary: 'Erase a user, and everything that they have said. There is no way back.',
  details: [
    'Running servers end what the user is logged in with, and look through everything once more after a',
    'minute; where none is running, the next one does.',
  ],
  arguments: ['username'],
  options: {},
  async run(_options, username) {
    const { eraseUser } = await import('./users.ts')
    await eraseUser(username)
  },
})

const exportData = defineCommand({
  name: 'export',
  summary:
    'Write everything that the installation has into a file of JSON lines, also beside a running server.',
  details: [
    'What it shows is one moment. The file has checksums, and takes its name when it is whole; an export that was',
    'cut short is begun anew. A name that ends with .gz is packed.',
    'It is as secret as the database: it holds every message, and hashes of passwords, keys and sessions.',
  ],
  arguments: [],
  options: {
    output: { type: 'string', value: 'file', required: true, help: 'where to, or - for standard output' },
  },
  async run({ output }) {
    const { exportAll } = await import('./export.ts')
    await exportAll(output)
  },
})

const importData = defineCommand({
  name: 'import',
  summary: 'Read an export into an empty database, of either kind.',
  details: [
    'The file is an export of the same version, or - for standard input. One that ends with .gz is unpacked.',
    'After an interruption, give it the same file again: it goes on where it stood, and no server starts before.',
    'Second factors and webhooks need the SOTTO_SECRET of the installation that was exported; on SQLite without that',
    'setting it is what the file <database>.secret holds.',
  ],
  arguments: ['file'],
  options: {},
  async run(_options, file) {
    const { importAll } = await import('./import.ts')
    await importAll(file)
  },
})

const backupFile = defineCommand({
  name: 'backup',
  summary: 'Copy a SQLite database into a new file, also beside a running server, and check the copy.',
  details: [
    'It shows one moment. To restore it: stop the server, put it where the database is, start.',
    'The file <database>.secret is not in it: keep a copy elsewhere, or set SOTTO_SECRET.',
  ],
  arguments: ['file'],
  options: {},
  async run(_options, file) {
    const { backup } = await import('./backup.ts')
    await backup(file)
  },
})

const doctor = defineCommand({
  name: 'doctor',
  summary:
    'Look at the settings and at everything that a server needs, and say what is wrong and what to do.',
  details: [
    'Changes nothing, and runs beside a server. Exit code 1 when a check has failed; warnings alone are 0.',
  ],
  arguments: [],
  options: { json: { type: 'boolean', help: 'all findings as JSON' } },
  async run(options) {
    const { doctor } = await import('./doctor.ts')
    await doctor(options)
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
