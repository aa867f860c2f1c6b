import { serve } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, seeMessage, signUp, write } from './support/browser.ts'
import { scrollsSideways, violationsOf } from './support/page-checks.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

/** The approximate accessible name of the focused element. */
const FOCUSED = `(() => {
  const element = document.activeElement
  if (element === document.body) return ''
  return element?.labels?.[0]?.textContent || element?.getAttribute('aria-label') || element?.textContent || ''
})()`

describe.each([
  { width: 360, height: 740, scheme: 'light' },
  { width: 1_440, height: 900, scheme: 'dark' },
] as const)('at a width of $width pixels, in $scheme mode', ({ width, height, scheme }) => {
  test('no page has a serious accessibility violation or scrolls sideways', async () => {
    await using server = await serve({ SOTTO_SIGNUP: 'open', DATABASE_URL: 'file::memory:' })
    await using alice = await openClient(browser, server.url, { width, height })
    await alice.page.emulateMedia({ colorScheme: scheme })
    const { page } = alice
    const check = async (name: string) => {
      expect(await violationsOf(alice), name).toEqual([])
      expect(await scrollsSideways(alice), name).toBe(false)
    }
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await check('sign in')
    await page.goto(`${server.url}/sign-up`)
    await page.getByRole('heading', { name: 'Create account' }).waitFor()
    await check('sign up')
    await page.goto(server.url)
    await signUp(alice, 'alice')
    await check('an empty inbox')

    await using bob = await openClient(browser, server.url, { account: 'bob' })
    await bob.page.goto(`${server.url}/with/alice`)
    for (const text of ['Hello!', `${'Long'.repeat(200)}`, 'שלום, מה שלומך?']) await write(bob, text)
    await seeMessage(bob, 'שלום, מה שלומך?')
    await page.getByRole('link', { name: /bob/ }).getByText('3 unread').waitFor()
    await check('the inbox')

    await page.getByRole('link', { name: /bob/ }).click()
    await seeMessage(alice, 'Hello!')
    await write(alice, 'Hi!')
    await seeMessage(alice, 'Hi!')
    await page.getByRole('article').filter({ hasText: 'Hi!' }).getByRole('button', { name: 'Like' }).click()
    await page.getByRole('button', { name: '👍 1' }).waitFor()
    await check('a conversation')
    // Each text has its own direction.
    await page.locator('p:dir(rtl)', { hasText: 'שלום' }).first().waitFor()

    await page.goto(`${server.url}/people`)
    await page.getByLabel('Name or username').fill('bo')
    await page.getByRole('link', { name: '@bob' }).waitFor()
    await check('people')
    await page.goto(`${server.url}/settings`)
    await page.getByRole('button', { name: 'Set up' }).click()
    await page.getByText('Enter this key in your authenticator app').waitFor()
    await check('settings')
    expectNoFaults(alice, bob)
  })
})

test('everything can be done with the keyboard', async () => {
  await using server = await serve({ SOTTO_SIGNUP: 'open', DATABASE_URL: 'file::memory:' })
  await using alice = await openClient(browser, server.url)
  await using bob = await openClient(browser, server.url, { account: 'bob' })
  const { page } = alice
  const { keyboard } = page
  /** Presses Tab until the focused element has this name. */
  const tabTo = async (name: string, key: 'Tab' | 'Shift+Tab' = 'Tab') => {
    for (let presses = 0; presses < 60; presses += 1) {
      const focused = await page.evaluate<string>(FOCUSED)
      if (focused.includes(name)) return
      await keyboard.press(key)
    }
    throw new Error(`cannot reach ${name} with the Tab key`)
  }
  await tabTo('Create account')
  await keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Create account' }).waitFor()
  await tabTo('Username')
  await keyboard.type('alice')
  await tabTo('Password')
  await keyboard.type('correct horse battery staple')
  await keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor()

  await tabTo('People')
  await keyboard.press('Enter')
  await page.getByLabel('Name or username').waitFor()
  await tabTo('Name or username')
  await keyboard.type('bob')
  await page.getByRole('link', { name: '@bob' }).waitFor()
  await tabTo('@bob')
  await keyboard.press('Enter')
  await page.getByPlaceholder('Message').waitFor()
  await tabTo('Message to')
  await keyboard.type('By keys')
  await keyboard.press('Enter')
  await seeMessage(alice, 'By keys')
  await tabTo('Like', 'Shift+Tab')
  await keyboard.press('Enter')
  await page.getByRole('button', { name: '👍 1' }).waitFor()
  await tabTo('Edit')
  await keyboard.press('Enter')
  await tabTo('Edit message')
  await keyboard.press('End')
  await keyboard.type('!')
  await keyboard.press('Enter')
  await seeMessage(alice, 'By keys!')
  await bob.page.getByRole('link', { name: /alice/ }).getByText('By keys!').waitFor()
  await tabTo('React', 'Shift+Tab')
  await keyboard.press('Enter')
  await tabTo('🎉', 'Shift+Tab')
  await keyboard.press('Enter')
  await page.getByRole('button', { name: '🎉 1' }).waitFor()

  await tabTo('People')
  await keyboard.press('Enter')
  await tabTo('Group name')
  await keyboard.type('Choir')
  await tabTo('Add people')
  await keyboard.type('bob')
  await keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Choir' }).waitFor()
  await bob.page.getByRole('link', { name: /Choir/ }).waitFor()

  await tabTo('Settings')
  await keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Settings' }).waitFor()
  await tabTo('First name')
  await keyboard.type('Alice')
  await keyboard.press('Enter')
  await page.getByText('Saved.').waitFor()
  await tabTo('Choir')
  await keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Choir' }).waitFor()
  await tabTo('Settings')
  await keyboard.press('Enter')
  await tabTo('Sign out')
  await keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  expectNoFaults(alice, bob)
})
