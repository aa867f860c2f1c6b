import { existsSync } from 'node:fs'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { expect } from 'vitest'

/** The usual paths of Chromium and Chrome. The headless shell first, because it has no windows to draw. */
const USUAL_PATHS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'].map(
  (name) => `/usr/bin/${name}`,
)

/** SOTTO_TEST_CHROMIUM overrides the usual paths. */
const EXECUTABLE =
  process.env.SOTTO_TEST_CHROMIUM ?? USUAL_PATHS.find((file) => existsSync(file)) ?? '/usr/bin/chromium'

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
}

/** A user's browser context, which records faults. */
export interface Person extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** Policy violations, uncaught errors, requests to other origins and dialogs. Should stay empty. */
  readonly faults: readonly string[]
}

/**
 * Opens the client in a new browser context.
 *
 * @param options.account a username: creates the account and signs in. Without it, the client opens signed out.
 */
export async function openClient(
  browser: Browser,
  url: string,
  options: { account?: string; width?: number; height?: number; locale?: string } = {},
): Promise<Person> {
  const { width = 1_440, height = 900, locale = 'en-GB' } = options
  // No transitions: axe would measure the contrast of intermediate colors.
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
  if (options.account !== undefined) await createAccount(context, url, options.account)
  await page.goto(url)
  if (options.account !== undefined) await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
  return { page, context, faults, [Symbol.asyncDispose]: () => context.close() }
}

/** The password of all test users. */
export const PASSWORD = 'correct horse battery staple'

/** Creates an account and signs in without the pages for it, which are much slower. */
async function createAccount({ request }: BrowserContext, url: string, username: string): Promise<void> {
  const account = { username, password: PASSWORD }
  for (const [path, data] of [
    ['/v1/users', account],
    ['/v1/sessions', { ...account, cookie: true }],
  ] as const) {
    const response = await request.post(new URL(path, url).href, {
      data,
      headers: { origin: new URL(url).origin },
    })
    if (!response.ok()) throw new Error(`${path}: ${response.status()} ${await response.text()}`)
  }
}

/** Creates an account with the form. */
export async function signUp({ page }: Person, username: string): Promise<void> {
  await page.getByRole('link', { name: 'Create account' }).click()
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
}

/** Submits username and password. The server may ask for a code next. */
export async function submitSignIn({ page }: Person, username: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
}

/** Signs in to an account without two-factor authentication. */
export async function signIn(person: Person, username: string, password = PASSWORD): Promise<void> {
  await submitSignIn(person, username, password)
  await person.page.getByRole('navigation', { name: 'Conversations' }).waitFor()
}

/** Sends a message in the open conversation. */
export async function write({ page }: Person, text: string): Promise<void> {
  await page.getByPlaceholder('Message').fill(text)
  await page.keyboard.press('Enter')
}

/** Waits for a message to be shown. */
export async function seeMessage({ page }: Person, text: string): Promise<void> {
  await page.getByRole('log').getByText(text, { exact: true }).waitFor()
}

export function expectNoFaults(...people: Person[]): void {
  expect(people.flatMap(({ faults }) => faults)).toEqual([])
}
