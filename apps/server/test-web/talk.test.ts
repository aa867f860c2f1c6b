import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, serve, spawnServer } from '@sotto/testing/internal'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testScale } from '../../../scripts/test-scale.ts'
import {
  expectNoFaults,
  launch,
  openClient,
  type Person,
  seeMessage,
  signIn,
  signUp,
  write,
} from './support/browser.ts'
import { databases } from './support/databases.ts'

const settings = { SOTTO_SIGNUP: 'open', SOTTO_SERVICE_KEY: 'sk_of-the-test' }

const SECONDS_OFFLINE = 60

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

/** Lets a minute pass on the page's clock, which must be installed. In `pnpm test:long:web`, it passes for everyone. */
async function passMinute(page: Page): Promise<void> {
  if (testScale > 1) {
    await wait(1_000 * SECONDS_OFFLINE)
    return
  }
  // One by one: a retry fails before the timer of the next one.
  for (let second = 0; second < SECONDS_OFFLINE; second += 1) await page.clock.runFor(1_000)
}

describe.each(databases)('two browsers on %s', (using) => {
  test('exchange messages', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ ...settings, DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url, { account: 'alice' })
    await using bob = await openClient(browser, server.url, { account: 'bob' })

    await alice.page.getByRole('link', { name: 'People' }).click()
    await alice.page.getByLabel('Name or username').fill('bo')
    await alice.page.getByRole('link', { name: '@bob' }).click()
    await write(alice, 'Hello, Bob!')
    await seeMessage(alice, 'Hello, Bob!')

    const row = bob.page.getByRole('link', { name: /alice/ })
    await row.getByText('1 unread').waitFor()
    await row.getByText('Hello, Bob!').waitFor()
    await row.click()
    await seeMessage(bob, 'Hello, Bob!')
    await alice.page.getByText('read', { exact: true }).waitFor()
    await expect.poll(() => row.getByText('unread').count()).toBe(0)
    await alice.page.getByText('online', { exact: true }).first().waitFor()

    await bob.page.getByPlaceholder('Message').pressSequentially('Hel')
    await alice.page.getByText('bob is typing…').waitFor()
    await write(bob, 'Hello, Alice!')
    await seeMessage(alice, 'Hello, Alice!')

    const message = bob.page.getByRole('article').filter({ hasText: 'Hello, Bob!' })
    await message.hover()
    await message.getByRole('button', { name: 'Like' }).click()
    await alice.page.getByRole('button', { name: '👍 1' }).waitFor()

    const own = alice.page.getByRole('article').filter({ hasText: 'Hello, Bob!' })
    await own.hover()
    await own.getByRole('button', { name: 'Edit' }).click()
    await alice.page.getByLabel('Edit message').fill('Hi, Bob!')
    await alice.page.keyboard.press('Enter')
    await seeMessage(bob, 'Hi, Bob!')
    await alice.page.getByRole('article').filter({ hasText: 'Hi, Bob!' }).hover()
    await alice.page
      .getByRole('article')
      .filter({ hasText: 'Hi, Bob!' })
      .getByRole('button', { name: 'Delete' })
      .click()
    await alice.page.getByRole('button', { name: 'Delete', exact: true }).first().click()
    await seeMessage(bob, 'Message deleted')
    expectNoFaults(alice, bob)
  })

  test('recover from a server restart and from a minute offline', async () => {
    await using database = await createEmptyDatabase(using)
    const own = { ...settings, DATABASE_URL: database.url }
    let port: string
    {
      await using other = await serve()
      ;({ port } = new URL(other.url))
    }
    let server = await spawnServer({ ...own, PORT: port })
    try {
      await using alice = await openClient(browser, server.url, { account: 'alice' })
      await using bob = await openClient(browser, server.url, { account: 'bob' })
      await alice.context.clock.install()
      await alice.page.goto(`${server.url}/with/bob`)
      await write(alice, 'one')
      await seeMessage(alice, 'one')
      await bob.page.goto(`${server.url}/with/alice`)
      await seeMessage(bob, 'one')

      await server.stop()
      await alice.page.getByText("You're offline.").waitFor()
      await write(alice, 'two')
      await alice.page.getByText('sending').waitFor({ state: 'attached' })
      server = await spawnServer({ ...own, PORT: port })
      await seeMessage(bob, 'two')
      await alice.page.getByText("You're offline.").waitFor({ state: 'hidden' })

      await alice.context.setOffline(true)
      await write(alice, 'three')
      await seeMessage(alice, 'three')
      await write(bob, 'meanwhile')
      await passMinute(alice.page)
      await alice.context.setOffline(false)
      await seeMessage(bob, 'three')
      await seeMessage(alice, 'meanwhile')
      for (const { page } of [alice, bob]) {
        expect(await page.locator('.text').allTextContents()).toEqual(['one', 'two', 'meanwhile', 'three'])
      }
      expectNoFaults(alice, bob)
    } finally {
      await server.stop('SIGKILL')
    }
  }, 240_000)
})

test('a long conversation can be read from the first unread message and from the end', async () => {
  await using server = await serve({ ...settings, DATABASE_URL: 'file::memory:' })
  const sotto = createClient({ url: server.url, token: settings.SOTTO_SERVICE_KEY })
  await using alice = await openClient(browser, server.url, { account: 'alice' })
  await sotto.users.create({ username: 'bob' })
  for (let number = 1; number <= 10; number += 1) {
    await sotto.messages.send({ from: 'bob', to: 'alice', text: `${number}` })
  }
  await sotto.as('alice').conversation('bob').markRead()
  for (let number = 11; number <= 300; number += 1) {
    await sotto.messages.send({ from: 'bob', to: 'alice', text: `${number}` })
  }
  const { page } = alice
  await page.goto(`${server.url}/with/bob`)
  await seeMessage(alice, '300')
  expect(await page.getByRole('article').count()).toBeLessThan(50)
  await page.getByRole('button', { name: 'First unread' }).click()
  await page.getByText('New messages').waitFor()
  await seeMessage(alice, '11')
  await page.getByRole('button', { name: 'Latest' }).click()
  await seeMessage(alice, '300')
  await sotto.messages.send({ from: 'bob', to: 'alice', text: '301' })
  await seeMessage(alice, '301')
  expectNoFaults(alice)
})

test('a chunk that fails to load does not leave an empty page', async () => {
  await using server = await serve({ ...settings, DATABASE_URL: 'file::memory:' })
  await using alice = await openClient(browser, server.url, { account: 'alice' })
  const chunk = '**/assets/settings-*.js'
  await alice.page.route(chunk, (route) => route.fulfill({ status: 404 }))
  await alice.page.getByRole('link', { name: 'Settings' }).click()
  const reload = alice.page.getByRole('button', { name: 'Reload page' })
  await reload.waitFor()
  await alice.page.unroute(chunk)
  await reload.click()
  await alice.page.getByRole('button', { name: 'Sign out' }).click()
  await alice.page.getByRole('heading', { name: 'Sign in' }).waitFor()
})

test('a tab shows that another user has signed in, and sends nothing as that user', async () => {
  await using server = await serve({ ...settings, DATABASE_URL: 'file::memory:' })
  const sotto = createClient({ url: server.url, token: settings.SOTTO_SERVICE_KEY })
  await sotto.users.create({ username: 'carol' })
  const sent = async () => {
    const { items } = await sotto.as('carol').messages.list()
    return items.map(({ sender, text }) => `${sender}: ${text}`).reverse()
  }
  await using first = await openClient(browser, server.url, { account: 'anna' })
  await first.page.goto(`${server.url}/with/carol`)
  await write(first, 'one')
  await expect.poll(sent).toEqual(['anna: one'])
  await first.page.route(/\/(trpc|v1)\//, (route) => route.abort())
  await write(first, 'two')
  await seeMessage(first, 'two')

  const second: Person = { ...first, page: await first.context.newPage() }
  await second.page.goto(`${server.url}/settings`)
  await second.page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await signUp(second, 'bert')
  await first.page.unroute(/\/(trpc|v1)\//)
  await first.page.getByRole('heading', { name: "You're signed in as bert now" }).waitFor()
  await first.page.getByText('Unsent messages of @anna are saved').waitFor()
  expect(await sent()).toEqual(['anna: one'])

  await first.page.getByRole('button', { name: 'Sign in as anna' }).click()
  await signIn(first, 'anna')
  await expect.poll(sent).toEqual(['anna: one', 'anna: two'])
  await second.page.getByRole('button', { name: 'Continue as anna' }).click()
  await second.page.goto(`${server.url}/with/carol`)
  await seeMessage(second, 'two')

  // Both tabs keep what they could not send, and one of them sends it all.
  await first.page.goto(`${server.url}/with/carol`)
  await seeMessage(first, 'two')
  await first.context.setOffline(true)
  await write(first, 'three')
  await write(second, 'four')
  await seeMessage(first, 'four')
  await seeMessage(second, 'three')
  await second.page.close()
  await first.context.setOffline(false)
  await expect
    .poll(async () => (await sent()).sort())
    .toEqual(['anna: one', 'anna: two', 'anna: three', 'anna: four'].sort())
  expectNoFaults(first)
})
