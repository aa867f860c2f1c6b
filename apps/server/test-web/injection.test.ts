import { createClient } from '@sotto/sdk'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../test/cli/support/sotto.ts'
import { expectNoFaults, launch, openClient, signUp } from './support/browser.ts'
import { payloads } from './support/payloads.ts'

const KEY = 'sk_of-the-test'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

test('a hundred injections in every field that is shown stay texts', async () => {
  await using server = await startServer({
    SOTTO_SIGNUP: 'open',
    SOTTO_SERVICE_KEY: KEY,
    DATABASE_URL: 'file::memory:',
  })
  const sotto = createClient({ url: server.url, token: KEY })
  await using alice = await openClient(browser, server.url)
  const { page } = alice
  await signUp(alice, 'alice')

  expect(payloads).toHaveLength(100)
  await sotto.users.create({ username: 'mallory' })
  const mallory = sotto.as('mallory')
  for (const [index, payload] of payloads.entries()) {
    const username = `m${index}`
    await sotto.users.create({ username, displayName: payload, firstName: payload, lastName: payload })
    await sotto.as(username).messages.send({ to: 'alice', text: payload })
    await mallory.messages.send({ to: 'alice', text: payload })
    const image = { url: `https://evil.example/${encodeURIComponent(payload)}`, alt: payload }
    await mallory.messages.send({ to: 'alice', text: payload, image })
  }
  // One after the other, each of the payloads.
  for (const name of payloads) {
    await mallory.conversations.create({ name, participants: ['alice', 'm0', 'm1'] })
  }

  // Names, last messages and names of groups, all of them.
  const more = page.getByRole('button', { name: 'More conversations' })
  await page.goto(server.url)
  await page.getByRole('navigation').getByRole('listitem').first().waitFor()
  while (await more.isVisible()) {
    const before = await page.getByRole('navigation').getByRole('listitem').count()
    await more.click()
    await expect
      .poll(() => page.getByRole('navigation').getByRole('listitem').count())
      .toBeGreaterThan(before)
  }
  const rows = await page.locator('.row .who').allTextContents()
  expect(rows).toHaveLength(2 * payloads.length + 1)
  for (const payload of payloads) expect(rows.filter((row) => row === payload)).toHaveLength(2)

  // Texts and descriptions of images, from the newest to the oldest.
  await page.goto(`${server.url}/with/mallory`)
  const seen = new Set<string>()
  const log = page.getByRole('log')
  await log.getByRole('article').first().waitFor()
  await log.hover()
  await expect
    .poll(
      async () => {
        for (const text of await log.locator('.text').allTextContents()) seen.add(text)
        await page.mouse.wheel(0, -400)
        return seen.size
      },
      { timeout: 40_000, interval: 50 },
    )
    .toBe(payloads.length)

  // A group's header and members, and people who are looked for.
  await page.goto(server.url)
  await page.locator('.row').first().click()
  await page.getByRole('button', { name: 'Members' }).click()
  await page.getByRole('region', { name: 'The group' }).getByText('owner').waitFor()
  await page.goto(`${server.url}/people`)
  await page.getByLabel('Name or username').fill('<')
  await page.locator('.person').first().waitFor()
  await page.getByLabel('Name or username').fill('m')
  await page.locator('.person').nth(5).waitFor()
  expectNoFaults(alice)
})
