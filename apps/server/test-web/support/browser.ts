import { existsSync } from 'node:fs'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { expect } from 'vitest'

/** Where Debian and Ubuntu have it, and a browser of the same kind that machines for CI come with. */
const USUAL_PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** SOTTO_TEST_CHROMIUM names another one. */
const EXECUTABLE =
  process.env.SOTTO_TEST_CHROMIUM ?? USUAL_PLACES.find((file) => existsSync(file)) ?? '/usr/bin/chromium'

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
}

/** A browser of somebody's own, and what must not happen in it. */
export interface Person extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** Violations of the page's policy, errors that nobody caught, requests to elsewhere, dialogs. Should stay empty. */
  readonly faults: readonly string[]
}

/** Opens the client for somebody who is not logged in. */
export async function openClient(
  browser: Browser,
  url: string,
  options: { width?: number; height?: number; locale?: string } = {},
): Promise<Person> {
  const { width = 1_440, height = 900, locale = 'en-GB' } = options
  // No transitions: a colour that is on its way from one to the other is neither of them to axe.
  const context = await browser.newContext({
    viewport: { width, height },
    locale,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) faults.push(message.text())
  })
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== new URL(url).origin && protocol !== 'data:') faults.push(`request: ${request.url()}`)
  })
  await page.goto(url)
  return { page, context, faults, [Symbol.asyncDispose]: () => context.close() }
}

/** Of everybody. */
export const PASSWORD = 'correct horse battery staple'

/** Makes an account in the page, by keys alone. */
export async function signUp({ page }: Person, username: string): Promise<void> {
  await page.getByRole('link', { name: 'Create account' }).click()
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
}

/** Gives name and password; a second factor may be asked for next. */
export async function signIn({ page }: Person, username: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
}

/** Logs in with an account that is there and has no second factor. */
export async function logIn(person: Person, username: string, password = PASSWORD): Promise<void> {
  await signIn(person, username, password)
  await person.page.getByRole('navigation', { name: 'Conversations' }).waitFor()
}

/** Writes a message in the conversation that is open. */
export async function write({ page }: Person, text: string): Promise<void> {
  await page.getByPlaceholder('Message').fill(text)
  await page.keyboard.press('Enter')
}

/** Waits until a message is in the page. */
export async function seeMessage({ page }: Person, text: string): Promise<void> {
  await page.getByRole('log').getByText(text, { exact: true }).waitFor()
}

/** Nothing that must not happen has. */
export function expectNoFaults(...people: Person[]): void {
  expect(people.flatMap(({ faults }) => faults)).toEqual([])
}
