import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  sotto,
  sottoOnTerminal,
  sottoProcess,
  startSotto,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const commandNames = [
  'start',
  'migrate',
  'setup',
  'seed',
  'key create',
  'key list',
  'key revoke',
  'user create',
  'user password',
  'user reset',
  'user admin',
  'user export',
  'user erase',
  'export',
  'import',
  'backup',
  'doctor',
]

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

describe('the sotto process', () => {
  test.each([
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
    [['key', 'list'], 1, /^$/, /^sotto: cannot open PostgreSQL at .*ECONNREFUSED.*\n$/],
    [['frobnicate'], 2, /^$/, /^sotto: unknown command.*\n$/],
  ])('%j exits with code %i', async (args, code, stdout, stderr) => {
    const settings = { DATABASE_URL: 'postgres://127.0.0.1:1/none' }
    expect(await sottoProcess(args, settings)).toEqual({
      code,
      stdout: expect.stringMatching(stdout),
      stderr: expect.stringMatching(stderr),
    })
  })

  test('reads standard input, and writes to standard output and standard error', async () => {
    await using database = await createEmptyDatabase('sqlite')
    const settings = { DATABASE_URL: database.url }
    const args = ['user', 'create', 'zoe', '--password-stdin']
    expect(await sottoProcess(args, settings, 'short\n')).toMatchObject({ code: 1, stdout: '' })
    expect(await sottoProcess(args, settings, 'correct horse\n')).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\S{36}\n$/),
      stderr: '',
    })
    const created = await sottoProcess(['key', 'create', '--name', 'backend'], settings)
    expect(created).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sk_\S+\n$/) })
    expect(created.stderr.trim()).toMatch(UUID)
  })
})

describe('help', () => {
  test('of sotto lists every command', async () => {
    const { code, stdout, stderr } = await sotto(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const named = [...stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2}/gm)].map(([, name]) => name)
    expect(named).toEqual(commandNames)
  })

  test.each(commandNames)('of %s shows its usage, even with invalid settings', async (name) => {
    const { code, stdout, stderr } = await sotto([...name.split(' '), '--help'], { DATABASE_URL: 'wrong' })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^Usage: sotto ${name}\\b`))
  })

  test('of a command group lists only its commands', async () => {
    const { code, stdout } = await sotto(['key', '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('key revoke')
    expect(stdout).not.toContain('user create')
  })

  test('--version prints the version', async () => {
    const { code, stdout } = await sotto(['--version'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('an invalid command line exits with code 2 and one line on standard error', () => {
  test.each([
    ['no command', [], 'sotto start | migrate'],
    ['an unknown command', ['frobnicate'], '"frobnicate"'],
    ['a command group without a command', ['key'], 'key create | key list | key revoke'],
    ['an unknown option of sotto', ['--frobnicate'], '--frobnicate'],
    ['an unknown option of a command', ['migrate', '--frobnicate'], '--frobnicate'],
    ['a missing option', ['key', 'create'], '--name'],
    ['an option without a value', ['key', 'create', '--name'], '--name'],
    ['a missing argument', ['user', 'create'], '<username>'],
    ['an extra argument', ['user', 'create', 'zoe', 'secret'], '"secret"'],
    ['an invalid number', ['seed', '--messages', 'many'], '--messages'],
    ['a number out of range', ['seed', '--users', '1'], '--users'],
    [
      'more conversations than pairs of users',
      ['seed', '--users', '3', '--conversations', '4'],
      '--conversations',
    ],
    [
      'a largest conversation that leaves no messages for the others',
      ['seed', '--messages', '10', '--conversations', '3', '--largest-conversation', '9'],
      '--largest-conversation',
    ],
  ])('%s', async (_what, args, named) => {
    const { code, stdout, stderr } = await sotto(args, { DATABASE_URL: 'file::memory:' })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^sotto: .+\n$/)
    expect(stderr).toContain(named)
  })
})

describe.each(['sqlite', 'postgres'] as const)('sotto on %s', (using) => {
  test('migrate prints the applied migrations, or that the schema is up to date', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url }
    expect(await sotto(['migrate'], settings)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^(applied \S+\n)+$/),
    })
    expect(await sotto(['migrate'], settings)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^the schema is up to date: .+\n$/),
    })
  })

  test('migrate uses DATABASE_DIRECT_URL', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_DIRECT_URL: database.url, DATABASE_URL: 'postgres://127.0.0.1:1/pooler' }
    expect(await sotto(['migrate'], settings)).toMatchObject({ code: 0, stderr: '' })
  })

  test('creates keys and users, revokes keys and sets passwords while a server is running', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url }
    await using server = await startSotto(settings)

    const newKey = await sotto(['key', 'create', '--name', 'backend'], settings)
    expect(newKey.code).toBe(0)
    expect(newKey.stdout).toMatch(/^sk_\S+\n$/)
    const key = newKey.stdout.trim()
    const keyId = newKey.stderr.trim()
    expect(keyId).toMatch(UUID)

    const created = await sotto(
      ['user', 'create', 'Zoe', '--display-name', 'Zoë', '--email', 'zoe@example.com', '--password-stdin'],
      settings,
      'correct horse\n',
    )
    expect(created).toMatchObject({ code: 0, stderr: '' })
    const admin = createClient({ url: server.url, token: key })
    const zoe = await admin.users.get({ user: 'zoe' })
    expect(zoe).toMatchObject({ id: created.stdout.trim(), displayName: 'Zoë', email: 'zoe@example.com' })

    const { token } = await signIn(server.url, 'zoe', 'correct horse')
    expect(await statusOf(server.url, `Bearer ${token}`)).toBe(200)

    expect(await sotto(['user', 'password', 'zoe'], settings, 'battery staple\n')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    await expect.poll(() => statusOf(server.url, `Bearer ${token}`)).toBe(401)
    await expect(signIn(server.url, 'zoe', 'correct horse')).rejects.toThrow('401')
    expect((await signIn(server.url, 'zoe', 'battery staple')).token).toMatch(/^st_/)

    const listed = await sotto(['key', 'list'], settings)
    expect(listed.stdout.split('\n')).toContainEqual(
      expect.stringMatching(new RegExp(`^${keyId}  valid .*backend$`)),
    )
    expect(listed.stdout).not.toContain(key)

    const time = '2999-01-31T12:00:00.000Z'
    const limited = await sotto(
      ['key', 'create', '--name', 'reports', '--scopes', 'read,admin', '--expires', time],
      settings,
    )
    const reports = createClient({ url: server.url, token: limited.stdout.trim(), retries: 0 })
    expect((await reports.users.list()).items).toHaveLength(1)
    await expect(reports.users.create({ username: 'yan' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect((await sotto(['key', 'list'], settings)).stdout).toMatch(
      new RegExp(`^${limited.stderr.trim()}  valid    read,admin  .*${time}.*  reports$`, 'm'),
    )

    expect(await sotto(['key', 'revoke', keyId], settings)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await sotto(['key', 'revoke', keyId], settings)).stderr).toContain('already revoked')
    const acts = async () => (await reports.audit.list({ subject: keyId })).items
    expect(await acts()).toMatchObject([
      { action: 'key.revoked', actorKind: 'command', actorId: null, address: null, requestId: null },
      { action: 'key.created', actorKind: 'command', actorId: null },
    ])
    await expect.poll(() => statusOf(server.url, `Bearer ${key}`)).toBe(401)
    expect((await sotto(['key', 'list'], settings)).stdout).toMatch(new RegExp(`${keyId}  revoked .*backend`))
    expect(await server.stop()).toBe(0)
  })

  test('makes users admins and issues password resets while a server is running', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_of_a_test' }
    await using server = await startSotto(settings)
    const admin = createClient({ url: server.url, token: 'sk_of_a_test' })
    const { id } = await admin.users.create({ username: 'zoe', password: 'correct horse' })
    const { token } = await signIn(server.url, 'zoe', 'correct horse')
    const zoe = createClient({ url: server.url, token })

    expect(await sotto(['user', 'admin', 'ZOE'], settings)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    await expect.poll(() => zoe.users.me().then(({ role }) => role)).toBe('admin')
    const reset = await sotto(['user', 'reset', 'zoe'], settings)
    const link = /^http:\/\/\S+\/reset#(pr_\S+)\n$/
    expect(reset).toMatchObject({ code: 0, stdout: expect.stringMatching(link), stderr: '' })
    const withoutClient = await sotto(['user', 'reset', 'zoe'], { ...settings, SOTTO_WEB_CLIENT: 'off' })
    expect(withoutClient.stdout).toMatch(/^pr_\S+\n$/)
    await admin.passwords.reset({ token: withoutClient.stdout.trim(), newPassword: 'battery staple' })
    await signIn(server.url, 'zoe', 'battery staple')
    const { items } = await admin.audit.list({ subject: id })
    expect(items.map(({ action, actorKind }) => `${action} by ${actorKind}`)).toEqual([
      'user.password_reset_issued by command',
      'user.password_reset_issued by command',
      'user.role_changed by command',
    ])
  })

  test('exports and erases users while a server is running', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_of_a_test' }
    await using server = await startSotto(settings)
    const admin = createClient({ url: server.url, token: 'sk_of_a_test' })
    const { id } = await admin.users.create({ username: 'zoe', password: 'correct horse' })
    await admin.users.create({ username: 'yan' })
    const { token } = await signIn(server.url, 'zoe', 'correct horse')
    // More than an export reads per page.
    for (let i = 0; i < 201; i++) await admin.as('zoe').messages.send({ to: 'yan', text: `message ${i}` })
    const { conversationId } = await admin.as('yan').messages.send({ to: 'zoe', text: 'the answer' })

    const exported = await sotto(['user', 'export', 'ZOE'], settings)
    expect(exported).toMatchObject({ code: 0, stderr: '' })
    const lines = exported.stdout.trimEnd().split('\n')
    const parts = lines.map((line) => JSON.parse(line) as { type: string; message?: { text: string } })
    expect(parts[0]).toMatchObject({ type: 'profile', profile: { id, username: 'zoe' } })
    expect(parts.at(-1)).toMatchObject({ type: 'end' })
    const texts = parts.flatMap(({ message }) => message?.text ?? [])
    expect(texts.toSorted()).toEqual(
      ['the answer', ...Array.from({ length: 201 }, (_, i) => `message ${i}`)].toSorted(),
    )
    expect(exported.stdout).not.toMatch(/argon2|correct horse/)
    // The same bytes as over HTTP.
    const overHttp = await fetch(`${server.url}/v1/users/zoe/export`, {
      headers: { authorization: 'Bearer sk_of_a_test', accept: 'application/x-ndjson' },
    })
    expect(await overHttp.text()).toBe(exported.stdout)

    expect(await sotto(['user', 'erase', 'zoe'], settings)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const left = await admin.conversations.messages({ conversationId })
    expect(left.items.map(({ text }) => text)[0]).toBe('the answer')
    expect(left.items.filter(({ text }) => text?.startsWith('message'))).toEqual([])
    await expect(admin.as('yan').users.get({ user: 'zoe' })).rejects.toMatchObject({ code: 'USER_NOT_FOUND' })
    await expect.poll(() => statusOf(server.url, `Bearer ${token}`)).toBe(401)
    const { items } = await admin.audit.list({ subject: id })
    expect(items.map(({ action, actorKind }) => `${action} by ${actorKind}`)).toEqual([
      'user.erase_accepted by command',
      'user.exported by key',
      'user.exported by command',
    ])
    // The username no longer exists.
    expect(await sotto(['user', 'erase', 'zoe'], settings)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^sotto: .*zoe.*\n$/),
    })
  })

  test('rejects invalid values with exit code 1 and one line on standard error', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url }
    expect((await sotto(['user', 'create', 'zoe'], settings)).code).toBe(0)
    for (const [args, input, named] of [
      [['user', 'create', 'ZOE'], '', 'username'],
      [['user', 'create', 'not a name'], '', 'username'],
      [['user', 'create', 'yan', '--email', 'nowhere'], '', 'email'],
      [['user', 'create', 'yan', '--password-stdin'], 'short\n', 'password'],
      [['user', 'create', 'yan', '--password-stdin'], '', 'password'],
      [['user', 'password', 'nobody'], 'correct horse', 'nobody'],
      [['user', 'password', 'zoe'], 'password1', 'password'],
      [['user', 'reset', 'nobody'], '', 'nobody'],
      [['user', 'admin', 'nobody'], '', 'nobody'],
      [['user', 'export', 'nobody'], '', 'nobody'],
      [['user', 'erase', 'nobody'], '', 'nobody'],
      [['user', 'password', 'zoe'], 'short', 'password'],
      [['key', 'revoke', 'nothing'], '', 'nothing'],
      [['key', 'create', '--name', ' '], '', '--name'],
      [['key', 'create', '--name', 'a', '--scopes', 'read,everything'], '', '--scopes'],
      [['key', 'create', '--name', 'a', '--scopes', ''], '', '--scopes'],
      [['key', 'create', '--name', 'a', '--expires', 'tomorrow'], '', '--expires'],
      [['key', 'create', '--name', 'a', '--expires', '2020-01-01T00:00:00Z'], '', '--expires'],
    ] as const) {
      const { code, stdout, stderr } = await sotto(args, settings, input)
      expect({ code, stdout }, args.join(' ')).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^sotto: .+\n$/)
      expect(stderr).toContain(named)
    }
  })
})

test('a terminal prompts twice for a password without showing it', async () => {
  await using database = await createEmptyDatabase('sqlite')
  const settings = { DATABASE_URL: database.url }
  await sotto(['user', 'create', 'zoe'], settings)

  const set = await sottoOnTerminal(['user', 'password', 'zoe'], settings, [
    ['Password: ', 'correct horse'],
    ['Repeat password: ', 'correct horse'],
  ])
  expect(set.code, set.screen).toBe(0)
  expect(set.screen).not.toContain('correct')

  const differs = await sottoOnTerminal(['user', 'password', 'zoe'], settings, [
    ['Password: ', 'battery staple'],
    ['Repeat password: ', 'battery stable'],
  ])
  expect(differs.code).toBe(1)
  expect(differs.screen).toContain('sotto: the passwords do not match')
  expect(differs.screen).not.toContain('battery')

  await using server = await startSotto(settings)
  expect((await signIn(server.url, 'zoe', 'correct horse')).token).toMatch(/^st_/)
})

test('an unexpected failure shows its stack only if LOG_LEVEL is debug', async () => {
  const settings = { DATABASE_URL: 'postgres://127.0.0.1:1/none' }
  const quiet = await sotto(['key', 'list'], settings)
  const debugging = await sotto(['key', 'list'], { ...settings, LOG_LEVEL: 'debug' })
  expect(quiet.stderr.split('\n')).toHaveLength(2)
  expect(debugging.stderr).toContain(quiet.stderr)
  expect(debugging.stderr).toMatch(/\n {4}at /)
})

async function signIn(url: string, username: string, password: string): Promise<{ token: string }> {
  const answer = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  if (!answer.ok) throw new Error(String(answer.status))
  return (await answer.json()) as { token: string }
}

async function statusOf(url: string, authorization: string): Promise<number> {
  return (await fetch(`${url}/v1/users`, { headers: { authorization } })).status
}
