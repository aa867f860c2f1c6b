import { createClient } from '@sotto/sdk'
import { serve } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, PASSWORD } from './support/browser.ts'
import { payloads } from './support/payloads.ts'

const KEY = 'sk_of-the-test'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

test('a hundred injections are rendered as text in every field', async () => {
  await using server = await serve({
    SOTTO_SIGNUP: 'open',
    SOTTO_SERVICE_KEY: KEY,
    DATABASE_URL: 'file::memory:',
  })
  const sotto = createClient({ url: server.url, token: KEY })
  await using alice = await openClient(browser, server.url, { account: 'alice' })
  const { page } = alice

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
  // Sequentially, to keep the order.
  for (const name of payloads) {
    await mallory.conversations.create({ name, participants: ['alice', 'm0', 'm1'] })
  }

  // All user names, last messages and group names.
  const more = page.getByRole('button', { name: 'Load more' })
  await page.goto(server.url)
  await page.getByRole('navigation').getByRole('listitem').first().waitFor()
  while (await more.isVisible()) {
    const before = await page.getByRole('navigation').getByRole('listitem').count()
    await more.click()
    await expect
      .poll(() => page.getByRole('navigation').getByRole('listitem').count())
      .toBeGreaterThan(before)
  }
  const rows = await page.locator('.row .title').allTextContents()
  expect(rows).toHaveLength(2 * payloads.length + 1)
  for (const payload of payloads) expect(rows.filter((row) => row === payload)).toHaveLength(2)

  // Message texts and image descriptions, from newest to oldest.
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

  // A group's header and members, and search results.
  await page.goto(server.url)
  await page.locator('.row').first().click()
  await page.getByRole('button', { name: 'Members' }).click()
  await page.getByRole('region', { name: 'Group details' }).getByText('owner').waitFor()
  await page.goto(`${server.url}/people`)
  await page.getByLabel('Name or username').fill('<')
  await page.locator('.person').first().waitFor()
  await page.getByLabel('Name or username').fill('m')
  await page.locator('.person').nth(5).waitFor()
  expectNoFaults(alice)
})

test('a hundred injections are rendered as text in the console', async () => {
  await using server = await serve({
    SOTTO_SIGNUP: 'open',
    SOTTO_SERVICE_KEY: KEY,
    SOTTO_SECRET: 'a secret of at least 32 characters',
    DATABASE_URL: 'file::memory:',
  })
  const sotto = createClient({ url: server.url, token: KEY })
  await using root = await openClient(browser, server.url, { account: 'root' })
  const { page } = root
  await sotto.users.setRole({ user: 'root', role: 'admin' })

  await sotto.users.create({ username: 'alice', password: PASSWORD })
  const alice = sotto.as('alice')
  for (const [index, payload] of payloads.entries()) {
    const username = `m${String(index).padStart(3, '0')}`
    await sotto.users.create({ username, displayName: payload, firstName: payload, lastName: payload })
    const image = { url: `https://evil.example/${encodeURIComponent(payload)}`, alt: payload }
    await alice.messages.send({ to: 'root', text: payload, image })
    await alice.conversations.create({ name: payload, participants: [username] })
    await sotto.keys.create({ name: payload, scopes: ['read'] })
    // Sessions with a payload as user agent.
    const headers = { 'content-type': 'application/json', 'user-agent': payload }
    const body = JSON.stringify({ username: 'alice', password: PASSWORD })
    if (index < 5) await fetch(`${server.url}/v1/sessions`, { method: 'POST', headers, body })
  }
  // Last, so that they receive no events.
  for (const payload of payloads.slice(0, 20)) {
    const url = `https://hooks.example/${encodeURIComponent(payload)}`
    await sotto.webhooks.create({ url, description: payload })
  }

  /** Loads all entries of a list and returns the texts of a part of each. */
  const textsOf = async (path: string, list: string, part: string): Promise<string[]> => {
    await page.goto(`${server.url}/console${path}`)
    const entries = page.getByRole('list', { name: list, exact: true }).getByRole('listitem')
    await entries.first().waitFor()
    const more = page.getByRole('button', { name: 'Load more' })
    while (await more.isVisible()) {
      const before = await entries.count()
      await more.click()
      await expect.poll(() => entries.count()).toBeGreaterThan(before)
    }
    return entries.locator(part).allTextContents()
  }
  const all = [...payloads].sort()
  const users = await textsOf('/users', 'Users', 'a')
  expect(
    users
      .filter((text) => / @m\d+$/.test(text))
      .map((text) => text.replace(/ @m\d+$/, ''))
      .sort(),
  ).toEqual(all)
  const groups = await textsOf('/conversations?user=alice', 'Conversations', 'a')
  expect(groups.filter((text) => payloads.includes(text)).sort()).toEqual(all)
  expect((await textsOf('/keys', 'Service keys', 'strong')).sort()).toEqual(all)
  expect(await textsOf('/webhooks', 'Webhooks', '.hint')).toHaveLength(20)
  expect((await textsOf('/users/alice', 'Sessions', 'strong')).sort()).toEqual(
    payloads.slice(0, 5).toSorted(),
  )
  const [{ id } = { id: '' }] = (await alice.conversations.list({ limit: 200 })).items.filter(
    ({ kind }) => kind === 'direct',
  )
  expect((await textsOf(`/conversations/${id}`, 'Messages', '.text')).sort()).toEqual(all)

  // A page heading and a confirmation dialog.
  await page.goto(`${server.url}/console/users/m000`)
  await page.getByRole('heading', { level: 2, name: payloads[0] ?? '' }).waitFor()
  await page.goto(`${server.url}/console/keys`)
  await page.getByRole('button', { name: 'Revoke' }).first().click()
  await page
    .getByRole('alertdialog')
    .getByText(payloads.at(-1) ?? '')
    .waitFor()
  await page.goto(`${server.url}/console/audit?action=${encodeURIComponent(payloads[0]?.slice(0, 60) ?? '')}`)
  await page.getByText('No matching entries.').waitFor()
  expectNoFaults(root)
})
