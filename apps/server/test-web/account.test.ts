import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, serve } from '@sotto/testing/internal'
import { TOTP } from 'otpauth'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectNoFaults,
  launch,
  openClient,
  PASSWORD,
  signIn,
  signUp,
  submitSignIn,
} from './support/browser.ts'
import { databases } from './support/databases.ts'

const settings = { SOTTO_SIGNUP: 'open', SOTTO_SECRET: 'a secret of at least 32 characters' }

/** The period of a code, in milliseconds. */
const STEP_MS = 30_000

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

function section(page: Page, name: string) {
  return page.getByRole('region', { name })
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).click()
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
}

describe.each(databases)('an account on %s', (using) => {
  test('supports two-factor authentication with codes and recovery codes', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ ...settings, DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url)
    const { page } = alice
    await signUp(alice, 'alice')
    await page.getByRole('link', { name: 'Settings' }).click()
    const factor = section(page, 'Two-factor authentication')
    await factor.getByRole('button', { name: 'Set up' }).click()
    const secret = (await factor.locator('.secret').textContent()) ?? ''
    const codeAt = (timestamp: number) => new TOTP({ secret }).generate({ timestamp })
    await factor.getByLabel('Code from your authenticator app').fill('12345')
    await factor.getByRole('button', { name: 'Turn on' }).click()
    await factor.getByText(/^Must be/).waitFor()
    const startedAt = Date.now()
    await factor.getByLabel('Code from your authenticator app').fill(codeAt(startedAt))
    await factor.getByRole('button', { name: 'Turn on' }).click()
    const codes = factor.locator('.codes code')
    await expect.poll(() => codes.count()).toBe(10)
    const recoveryCode = (await codes.first().textContent()) ?? ''

    await signOut(page)
    await submitSignIn(alice, 'alice')
    await page.getByLabel('Code').fill('000000')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    // The current code was used for setup. The next one is accepted to allow for clock skew.
    await page.getByLabel('Code').fill(codeAt(startedAt + STEP_MS))
    await page.keyboard.press('Enter')
    await page.getByRole('navigation', { name: 'Conversations' }).waitFor()

    await signOut(page)
    await submitSignIn(alice, 'alice')
    await page.getByLabel('Code').fill(recoveryCode)
    await page.keyboard.press('Enter')
    await page.getByRole('navigation', { name: 'Conversations' }).waitFor()

    await page.getByRole('link', { name: 'Settings' }).click()
    await factor.getByText(/^Last wrong code/).waitFor()
    await factor.getByLabel('Code or recovery code').fill(recoveryCode)
    await factor.getByRole('button', { name: 'Turn off' }).click()
    await factor.getByText('This is wrong or was already used.').first().waitFor()
    expectNoFaults(alice)
  })

  test('is created with an invitation link, whose token reaches neither the address bar nor a URL', async () => {
    await using database = await createEmptyDatabase(using)
    const serviceKey = 'sk_of_the_test'
    await using server = await serve({
      ...settings,
      SOTTO_SIGNUP: 'invitation',
      SOTTO_SERVICE_KEY: serviceKey,
      DATABASE_URL: database.url,
    })
    const { token } = await createClient({ url: server.url, token: serviceKey }).invitations.create({})
    await using alice = await openClient(browser, `${server.url}/sign-up#${token}`)
    const { page } = alice
    const urls: string[] = []
    page.on('request', (request) => urls.push(request.url()))
    await page.getByRole('heading', { name: 'Create account' }).waitFor()
    await expect.poll(() => page.url()).toBe(`${server.url}/sign-up`)
    await page.reload()
    await page.getByLabel('Username').fill('alice')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
    expect(urls.filter((url) => url.includes(token))).toEqual([])
    expectNoFaults(alice)
  })

  test('has a public profile, whose form shows validation errors at their fields', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ ...settings, DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url, { account: 'alice' })
    await using bob = await openClient(browser, server.url, { account: 'bob' })
    const { page } = alice
    await page.getByRole('link', { name: 'Settings' }).click()
    const profile = section(page, 'Profile')
    await profile.getByLabel('Display name').fill('Alice Ñandú')
    await profile.getByLabel('Email address').fill('not an address')
    await profile.getByLabel('Profile picture URL').fill('ftp://example.com/alice.png')
    await profile.getByRole('button', { name: 'Save' }).click()
    const wrong = (label: string) => profile.locator('.field', { hasText: label }).locator('.error')
    await wrong('Email address').getByText('Must be an email address.').waitFor()
    await wrong('Profile picture URL').waitFor()
    await profile.getByLabel('Email address').fill('alice@example.com')
    await profile.getByLabel('Profile picture URL').fill('https://example.com/alice.png')
    await profile.getByRole('button', { name: 'Save' }).click()
    await profile.getByText('Saved.').waitFor()
    await section(page, 'Account').getByText('Alice Ñandú').waitFor()

    await bob.page.getByRole('link', { name: 'People' }).click()
    await bob.page.getByLabel('Name or username').fill('alice ñ')
    await bob.page.getByRole('link', { name: 'Alice Ñandú' }).waitFor()

    // The error is shown at the username field.
    await using other = await openClient(browser, `${server.url}/sign-up`)
    await other.page.getByLabel('Username').fill('alice')
    await other.page.getByLabel('Password').fill(PASSWORD)
    await other.page.keyboard.press('Enter')
    await other.page.locator('.field', { hasText: 'Username' }).getByText('This username is taken.').waitFor()
    expectNoFaults(alice, bob, other)
  })

  test('changes its password and ends its other sessions', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ ...settings, DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url, { account: 'alice' })
    const { page } = alice
    await using phone = await openClient(browser, server.url)
    await using tablet = await openClient(browser, server.url)
    await using work = await openClient(browser, server.url)
    for (const device of [phone, tablet, work]) {
      await signIn(device, 'alice')
    }

    await page.getByRole('link', { name: 'Settings' }).click()
    const sessions = section(page, 'Active sessions')
    await expect.poll(() => sessions.getByRole('listitem').count()).toBe(4)
    // Newest first.
    await sessions
      .getByRole('button', { name: /^Sign out:/ })
      .first()
      .click()
    await work.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await expect.poll(() => sessions.getByRole('listitem').count()).toBe(3)
    await sessions.getByRole('button', { name: 'Sign out of all other sessions' }).click()
    for (const device of [phone, tablet]) {
      await device.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    }
    await expect.poll(() => sessions.getByRole('listitem').count()).toBe(1)

    await signIn(work, 'alice')
    const password = section(page, 'Password')
    await password.getByLabel('Current password').fill('not it at all')
    await password.getByLabel('New password').fill('password1')
    await password.getByRole('button', { name: 'Change password' }).click()
    await password.getByText('This is wrong.').waitFor()
    await password.getByLabel('Current password').fill(PASSWORD)
    await password.getByRole('button', { name: 'Change password' }).click()
    await password.getByText('Must not be a common password.').waitFor()
    await password.getByLabel('New password').fill('an even better horse')
    await password.getByRole('button', { name: 'Change password' }).click()
    await password.getByText('Password changed.').waitFor()
    await work.page.getByRole('heading', { name: 'Sign in' }).waitFor()

    await submitSignIn(work, 'alice')
    await work.page.getByRole('alert').getByText('Incorrect username or password.').waitFor()
    await work.page.getByLabel('Password').fill('an even better horse')
    await work.page.keyboard.press('Enter')
    await work.page.getByRole('navigation', { name: 'Conversations' }).waitFor()
    expectNoFaults(alice, phone, tablet, work)
  })
})
