import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, type ServerHere, serve } from '@sotto/testing/internal'
import type { Browser, Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, type Person } from './support/browser.ts'
import { databases } from './support/databases.ts'
import { scrollsSideways, violationsOf } from './support/page-checks.ts'

const memory = { DATABASE_URL: 'file::memory:' }
const PASSWORD = 'a long and quiet evening'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

/** The setup link. */
function linkOf({ url, setupToken }: ServerHere): string {
  return `${url}/welcome#${setupToken}`
}

async function createAccount({ page }: Person): Promise<void> {
  await page.getByLabel('Username').fill('ada')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
}

/** The tab's URL and storage. */
function traces({ page }: Person): Promise<string> {
  return page.evaluate('JSON.stringify([location.href, sessionStorage, localStorage])')
}

test('the setup link creates the first account, which is an admin', async () => {
  await using server = await serve(memory)
  await using ada = await openClient(browser, linkOf(server))
  const { page } = ada
  await page.getByRole('heading', { name: 'Welcome' }).waitFor()
  expect(page.url()).toBe(`${server.url}/welcome`)
  // A failed attempt does not use up the link.
  await page.getByLabel('Username').fill('ada')
  await page.getByLabel('Password').fill('password')
  await page.keyboard.press('Enter')
  await page.getByText('Must not be a common password.').waitFor()
  await page.reload()
  await createAccount(ada)
  expect(await traces(ada)).not.toContain('su_')
  const { token } = await createClient({ url: server.url }).sessions.create({
    username: 'ada',
    password: PASSWORD,
  })
  expect(await createClient({ url: server.url, token: token ?? '' }).users.me()).toMatchObject({
    role: 'admin',
  })

  await using late = await openClient(browser, linkOf(server))
  await late.page.getByLabel('Username').fill('eve')
  await late.page.getByLabel('Password').fill(PASSWORD)
  await late.page.keyboard.press('Enter')
  await late.page.getByText('This link is invalid, has expired or was already used').waitFor()
  await late.page.getByRole('link', { name: 'Sign in' }).click()
  await late.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  expect(await late.page.getByText('This server has no admin yet').count()).toBe(0)
  expectNoFaults(ada, late)
})

test('the setup page explains where to find the link, and accepts a pasted one', async () => {
  await using server = await serve(memory)
  await using ada = await openClient(browser, server.url)
  await ada.page.getByRole('link', { name: 'Create the first account' }).click()
  await ada.page.getByText('sotto setup').waitFor()
  await ada.page.getByLabel('Link').fill(linkOf(server))
  await ada.page.getByRole('button', { name: 'Continue' }).click()
  await createAccount(ada)
  expectNoFaults(ada)
})

describe.each(databases)('the demo on %s', (using) => {
  test('shows two users side by side who can message each other', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ DATABASE_URL: database.url })
    await using visitor = await openClient(browser, linkOf(server))
    const { page } = visitor
    await page.getByRole('button', { name: 'Open demo' }).click()
    const [amira, jonas] = [
      page.getByRole('region', { name: 'amira' }),
      page.getByRole('region', { name: 'jonas' }),
    ]
    const write = async (side: Locator, text: string) => {
      await side.getByPlaceholder('Message').fill(text)
      await side.getByPlaceholder('Message').press('Enter')
    }
    const see = (side: Locator, text: string) =>
      side.getByRole('log').getByText(text, { exact: true }).waitFor()

    await see(amira, 'We should all go there in spring')
    await write(amira, 'From the left')
    await see(jonas, 'From the left')
    await write(jonas, 'From the right')
    await see(amira, 'From the right')
    // Each side has its own location.
    await amira.getByRole('link', { name: 'Back to conversations' }).click()
    await amira.getByRole('link', { name: /Sofía/ }).waitFor()
    expect(await jonas.getByRole('link', { name: /Sofía/ }).count()).toBe(0)

    await page.reload()
    await page.getByRole('button', { name: 'Open demo' }).click()
    await see(jonas, 'From the right')
    await page.getByRole('button', { name: 'Create your account' }).click()
    await createAccount(visitor)
    await page.getByText('No conversations yet.').waitFor()
    expectNoFaults(visitor)
  })
})

describe.each([
  { width: 360, height: 740, scheme: 'light' },
  { width: 1_440, height: 900, scheme: 'dark' },
] as const)('at a width of $width pixels, in $scheme mode', ({ width, height, scheme }) => {
  test('no page of the setup has a serious accessibility violation or scrolls sideways', async () => {
    await using server = await serve(memory)
    await using ada = await openClient(browser, server.url, { width, height })
    const { page } = ada
    await page.emulateMedia({ colorScheme: scheme })
    const check = async (name: string) => {
      expect(await violationsOf(ada), name).toEqual([])
      expect(await scrollsSideways(ada), name).toBe(false)
    }
    await page.getByText('This server has no admin yet').waitFor()
    await check('sign in')
    await page.getByRole('link', { name: 'Create the first account' }).click()
    await page.getByLabel('Link').fill(linkOf(server))
    await check('the link')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
    await check('welcome')
    await page.getByRole('button', { name: 'Open demo' }).click()
    await page.getByRole('region', { name: 'jonas' }).getByRole('article').first().waitFor()
    await page.getByRole('region', { name: 'amira' }).getByRole('article').first().waitFor()
    await check('the demo')
    expectNoFaults(ada)
  })
})
