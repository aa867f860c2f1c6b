import { text } from 'node:stream/consumers'
import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, serve, startWebhookReceiver, status, totpCode } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { expectNoFaults, launch, openClient, PASSWORD, type Person } from './support/browser.ts'
import { databases } from './support/databases.ts'
import { scrollsSideways, violationsOf } from './support/page-checks.ts'

const KEY = 'sk_of-the-test'
const settings = {
  SOTTO_SIGNUP: 'open',
  SOTTO_SERVICE_KEY: KEY,
  SOTTO_SECRET: 'a secret of at least 32 characters',
  SOTTO_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
}

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

interface OpenConsole {
  url: string
  sotto: ReturnType<typeof createClient>
  root: Person
  /** Opens a page by its path below /console. */
  open(path: string): Promise<void>
  /** Presses a button, and the button of the same name in its confirmation dialog. */
  confirm(label: string): Promise<void>
}

/** A server with a conversation, and the console of an admin named root. */
async function openConsole(
  using: 'sqlite' | 'postgres' = 'sqlite',
  options: Parameters<typeof openClient>[2] = {},
): Promise<OpenConsole> {
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const database = stack.use(await createEmptyDatabase(using))
  const { url } = stack.use(await serve({ ...settings, DATABASE_URL: database.url }))
  const sotto = createClient({ url, token: KEY })
  await sotto.users.create({
    username: 'alice',
    displayName: 'Alice',
    password: PASSWORD,
  })
  await sotto.users.create({ username: 'bob' })
  for (const text of ['Hello, Bob!', 'Are you there?'])
    await sotto.as('alice').messages.send({ to: 'bob', text })
  const root = stack.use(await openClient(browser, url, { account: 'root', ...options }))
  await sotto.users.setRole({ user: 'root', role: 'admin' })
  const { page } = root
  return {
    url,
    sotto,
    root,
    async open(path) {
      await page.goto(`${url}/console${path}`)
      await page.getByRole('heading', { level: 2 }).first().waitFor()
    },
    async confirm(label) {
      await page.getByRole('button', { name: label, exact: true }).click()
      await page.getByRole('alertdialog').getByRole('button', { name: label, exact: true }).click()
      await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    },
  }
}

test('makes no requests for users who are not admins', async () => {
  await using server = await serve({ ...settings, DATABASE_URL: 'file::memory:' })
  await using mallory = await openClient(browser, server.url, { account: 'mallory' })
  const calls: string[] = []
  mallory.page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (/^\/(trpc|v1)\//.test(pathname)) calls.push(pathname)
  })
  for (const path of ['', '/users', '/users/mallory', '/keys', '/settings']) {
    await mallory.page.goto(`${server.url}/console${path}`)
    await mallory.page.getByText('The console is only available to admins').waitFor()
    expect(await mallory.page.getByRole('navigation').count()).toBe(0)
  }
  expect([...new Set(calls)]).toEqual(['/trpc/users.me'])
  expectNoFaults(mallory)
})

test('opens after signing in at its URL', async () => {
  await using server = await serve({ ...settings, DATABASE_URL: 'file::memory:' })
  const sotto = createClient({ url: server.url, token: KEY })
  await sotto.users.create({ username: 'root', password: PASSWORD })
  await sotto.users.setRole({ user: 'root', role: 'admin' })
  await using root = await openClient(browser, server.url)
  await root.page.goto(`${server.url}/console/settings`)
  await root.page.getByLabel('Username').fill('root')
  await root.page.getByLabel('Password').fill(PASSWORD)
  await root.page.keyboard.press('Enter')
  await root.page.getByRole('heading', { name: 'Settings' }).waitFor()
  expectNoFaults(root)
})

describe.each(databases)('the console on %s', (using) => {
  test('shows totals, activity and the server status', async () => {
    const { root, sotto, open } = await openConsole(using)
    const { page } = root
    await open('')
    const totals = page.getByRole('region', { name: 'Total' })
    await totals.getByText('Messages sent').waitFor()
    expect(await totals.locator('dd').allTextContents()).toEqual(['3', '1', '2', expect.any(String)])
    const sent = page.getByRole('table', { name: /Messages sent/ }).getByRole('row')
    expect(await sent.count()).toBe(31)
    expect(await sent.last().getByRole('cell').textContent()).toBe('2')
    const active = page.getByRole('table', { name: /Active users/ }).getByRole('row')
    expect(await active.last().getByRole('cell').textContent()).toBe('1')
    const bars = page.locator('.chart').first().locator('rect')
    expect(await bars.last().getAttribute('height')).toBe('80')
    expect(await bars.first().getAttribute('height')).toBe('0')

    const server = page.getByRole('region', { name: 'This server' })
    await server.getByText('Open streams').waitFor()
    const streams = server.locator('.trend').first().locator('dd').first()
    expect(await streams.textContent()).toBe('0')
    const leaving = new AbortController()
    const stream = sotto.as('bob').events({ signal: leaving.signal })
    void stream.next()
    await expect.poll(() => streams.textContent(), { timeout: 15_000 }).toBe('1')
    leaving.abort()
    expectNoFaults(root)
  })

  test('finds users and performs all actions on them', async () => {
    const { url, root, sotto, open, confirm } = await openConsole(using)
    const { page } = root
    await open('/users')
    await page.getByRole('list', { name: 'Users' }).getByRole('listitem').nth(2).waitFor()
    await page.getByLabel('Search by username or name').fill('ALI')
    await expect.poll(() => page.getByRole('list', { name: 'Users' }).getByRole('listitem').count()).toBe(1)
    await page.getByRole('link', { name: 'Alice @alice' }).click()
    await page.getByRole('heading', { name: 'Alice' }).waitFor()

    const password = PASSWORD
    await sotto.sessions.create({ username: 'alice', password })
    await page.reload()
    await page.getByRole('list', { name: 'Sessions' }).getByRole('listitem').waitFor()
    await confirm('Sign out everywhere')
    await page.getByText('No active sessions.').waitFor()

    await confirm('Disable')
    await page.getByText('disabled (cannot sign in)').waitFor()
    expect(await sotto.users.account({ user: 'alice' })).toMatchObject({ disabled: true })
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByText('enabled', { exact: true }).waitFor()

    await confirm('Make admin')
    await page.getByText('server admin').waitFor()
    await confirm('Remove admin access')
    await expect.poll(async () => (await sotto.users.account({ user: 'alice' })).role).toBe('user')

    await confirm('Reset password')
    const link = (await page.locator('.one-time-secret code').textContent()) ?? ''
    await page.getByRole('button', { name: 'Done' }).click()
    expect(await page.getByText(link).count()).toBe(0)
    const newPassword = 'the horse whose name I wrote down'
    await using visitor = await openClient(browser, link)
    await visitor.page.getByLabel('New password').fill('password')
    await visitor.page.keyboard.press('Enter')
    await visitor.page.getByText('Must not be a common password.').waitFor()
    expect(visitor.page.url()).toBe(`${url}/reset`)
    await visitor.page.reload()
    await visitor.page.getByLabel('New password').fill(newPassword)
    await visitor.page.keyboard.press('Enter')
    await visitor.page.getByText('Your password was changed.').waitFor()
    await visitor.page.getByRole('link', { name: 'Sign in' }).click()
    await visitor.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    const alice = await sotto.sessions.create({ username: 'alice', password: newPassword })

    const own = createClient({ url, token: alice.token ?? '' })
    const { secret } = await own.totp.start()
    await own.totp.confirm({ code: totpCode(secret, new Date()) })
    await page.reload()
    await confirm('Turn off two-factor authentication')
    await expect.poll(async () => (await sotto.users.account({ user: 'alice' })).secondFactor).toBe(false)

    const download = page.waitForEvent('download')
    await confirm('Export')
    const file = await download
    expect(file.suggestedFilename()).toBe('alice.jsonl')
    const lines = (await text(await file.createReadStream())).trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(
      expect.arrayContaining(['profile', 'message', 'end']),
    )

    await page.getByRole('button', { name: 'Erase' }).click()
    const dialog = page.getByRole('alertdialog', { name: 'Erase alice?' })
    await dialog.getByLabel('Type alice to confirm').fill('alic')
    expect(await dialog.getByRole('button', { name: 'Erase' }).isDisabled()).toBe(true)
    await page.keyboard.press('Enter')
    expect((await sotto.users.get({ user: 'alice' })).username).toBe('alice')
    await dialog.getByLabel('Type alice to confirm').fill('alice')
    await dialog.getByRole('button', { name: 'Erase' }).click()
    await page.getByRole('heading', { name: 'Users' }).waitFor()
    await expect(sotto.users.get({ user: 'alice' })).rejects.toMatchObject({ code: 'USER_NOT_FOUND' })
    expectNoFaults(root)
  })

  test('does nothing without confirmation', async () => {
    const { root, sotto, open } = await openConsole(using)
    const { page } = root
    await open('/users/bob')
    for (const label of ['Disable', 'Make admin', 'Sign out everywhere', 'Erase']) {
      await page.getByRole('button', { name: label, exact: true }).click()
      await page.getByRole('alertdialog', { name: /bob/ }).getByRole('button', { name: 'Cancel' }).click()
      await page.getByRole('alertdialog').waitFor({ state: 'detached' })
      await page.getByRole('button', { name: label, exact: true }).click()
      await page.keyboard.press('Escape')
      await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    }
    expect(await sotto.users.account({ user: 'bob' })).toMatchObject({ disabled: false, role: 'user' })
    expectNoFaults(root)
  })

  test('shows conversations, and records every access in the audit log', async () => {
    const { root, sotto, open } = await openConsole(using)
    const { page } = root
    await open('/conversations')
    await page.getByLabel('Username or conversation ID').fill('alice')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Alice, bob' }).click()
    const messages = page.getByRole('list', { name: 'Messages' }).getByRole('listitem')
    await messages.first().getByText('Are you there?').waitFor()
    await messages.last().getByText('Hello, Bob!').waitFor()
    const { id } = await sotto.users.get({ user: 'root' })
    const entries = await sotto.audit.list({ actor: 'root' })
    expect(entries.items.map(({ action, actorId }) => [action, actorId])).toEqual(
      expect.arrayContaining([
        ['user.conversations_listed', id],
        ['conversation.inspected', id],
        ['conversation.read', id],
      ]),
    )
    expect(entries.items).toHaveLength(3)

    await open('/audit')
    await page.getByLabel('Actor').fill('root')
    await page.getByLabel('Action', { exact: true }).fill('conversation.read')
    await page.getByRole('button', { name: 'Filter' }).click()
    const rows = page.getByRole('list', { name: 'Audit entries' }).getByRole('listitem')
    await expect.poll(() => rows.count()).toBe(1)
    await rows.getByText('conversation.read').waitFor()
    expect(page.url()).toContain('actor=root')
    await page.getByLabel('Action', { exact: true }).fill('user.flown')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByText('No matching entries.').waitFor()
    expectNoFaults(root)
  })

  test('creates and revokes service keys', async () => {
    const { url, root, open, confirm } = await openConsole(using)
    const { page } = root
    await open('/keys')
    await page.getByLabel('Name').fill('reports')
    await page.getByRole('button', { name: 'Create key' }).click()
    const token = (await page.locator('.one-time-secret code').textContent()) ?? ''
    const reports = createClient({ url, token, retries: 0 })
    await reports.audit.list()
    await expect(reports.users.create({ username: 'made-with-it' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
    const key = page.getByRole('list', { name: 'Service keys' }).getByRole('listitem')
    await key.getByText('admin ·').waitFor()
    await confirm('Revoke')
    await key.getByText('Revoked').waitFor()
    await expect(reports.audit.list()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expectNoFaults(root)
  })

  test('manages webhooks and resends failed deliveries', async () => {
    await using receiver = await startWebhookReceiver()
    const { root, open, confirm } = await openConsole(using)
    const { page } = root
    receiver.answer = status(410)
    await open('/webhooks')
    await page.getByLabel('URL').fill(receiver.url)
    await page.getByLabel('Description').fill('the shop')
    await page.getByRole('button', { name: 'Create webhook' }).click()
    expect(await page.locator('.one-time-secret code').textContent()).toMatch(/^whsec_/)
    await page.getByRole('link', { name: receiver.url }).click()
    await page.getByRole('button', { name: 'Send test event' }).click()
    await page.getByText('the receiver responded with 410 Gone').waitFor({ timeout: 15_000 })
    await page.getByLabel('Status').selectOption('Failed')
    const delivery = page.getByRole('list', { name: 'Deliveries' }).getByRole('listitem')
    await delivery.getByText(/failed, 1 attempt, status 410/).waitFor()

    receiver.answer = status(204)
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByText('enabled', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Send again: webhook.test' }).click()
    await page.getByText('No deliveries.').waitFor()
    await page.getByLabel('Status').selectOption('Delivered')
    await delivery.getByText(/^delivered/).waitFor({ timeout: 15_000 })
    expect(receiver.types()).toEqual(['webhook.test', 'webhook.test'])

    await confirm('Rotate secret')
    expect(await page.locator('.one-time-secret code').textContent()).toMatch(/^whsec_/)
    await confirm('Disable')
    await page.getByText('disabled by an admin').waitFor()
    await confirm('Delete')
    await page.getByRole('heading', { name: 'Webhooks', exact: true }).waitFor()
    await page.getByText('No webhooks.').waitFor()
    expectNoFaults(root)
  })
})

test('shows the settings without secrets', async () => {
  const { root, open } = await openConsole()
  const { page } = root
  await open('/settings')
  const list = page.getByRole('list', { name: 'Settings' })
  await list.getByText('SOTTO_EVENT_RETENTION_DAYS').waitFor()
  await page.getByLabel('Filter by name').fill('sotto_s')
  await expect
    .poll(() => list.getByRole('listitem').allTextContents())
    .toEqual([
      'SOTTO_SERVICE_KEYsetfrom the environment',
      'SOTTO_SIGNUPopenfrom the environment',
      'SOTTO_SECRETsetfrom the environment',
    ])
  expect(await page.content()).not.toContain(KEY)
  expectNoFaults(root)
})

test('shows why the server rejected an action', async () => {
  const { root, sotto, open } = await openConsole()
  const { page } = root
  await open('/users/bob')
  // Otherwise, loading the sessions fails as well.
  await page.getByText('No active sessions.').waitFor()
  await sotto.users.setRole({ user: 'root', role: 'user' })
  await page.getByRole('button', { name: 'Disable' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Disable' }).click()
  await page.getByRole('alert').getByText('FORBIDDEN').waitFor()
  expect((await sotto.users.account({ user: 'bob' })).disabled).toBe(false)
  expectNoFaults(root)
})

describe.each([
  { width: 360, height: 740, scheme: 'light' },
  { width: 1_440, height: 900, scheme: 'dark' },
] as const)('at a width of $width pixels, in $scheme mode', ({ width, height, scheme }) => {
  test('no page of the console has a serious accessibility violation or scrolls sideways', async () => {
    const { root, sotto, open } = await openConsole('sqlite', { width, height })
    const { page } = root
    await page.emulateMedia({ colorScheme: scheme })
    await sotto.keys.create({ name: 'K'.repeat(128), scopes: ['read', 'write', 'admin'] })
    const webhook = await sotto.webhooks.create({ url: `http://127.0.0.1:9/${'long'.repeat(100)}` })
    await sotto.webhooks.test({ webhookId: webhook.id })
    const { conversationId } = await sotto.as('bob').messages.send({ to: 'alice', text: 'Long'.repeat(200) })
    for (const path of [
      '',
      '/users',
      '/users/alice',
      '/conversations?user=alice',
      `/conversations/${conversationId}`,
      '/keys',
      '/webhooks',
      `/webhooks/${webhook.id}`,
      '/audit',
      '/settings',
    ]) {
      await open(path)
      await page.waitForLoadState('networkidle')
      expect(await violationsOf(root), path).toEqual([])
      expect(await scrollsSideways(root), path).toBe(false)
    }
    await open('/users/alice')
    await page.getByRole('button', { name: 'Erase' }).click()
    await page.getByRole('alertdialog').waitFor()
    expect(await violationsOf(root), 'a confirmation dialog').toEqual([])
    expect(await scrollsSideways(root), 'a confirmation dialog').toBe(false)
    expectNoFaults(root)
  })
})

test('everything in the console can be done with the keyboard', async () => {
  const { url, root, sotto, open } = await openConsole()
  const { page } = root
  await page.goto(`${url}/settings`)
  await page.getByRole('link', { name: 'Open the console' }).press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await open('/users/bob')
  await page.getByRole('button', { name: 'Disable' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('alertdialog').waitFor()
  // Cancel is focused first, and the focus stays in the dialog.
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Cancel')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('disabled (cannot sign in)').waitFor()
  expect((await sotto.users.account({ user: 'bob' })).disabled).toBe(true)
  expectNoFaults(root)
})
