import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Where Debian and Ubuntu have it, and a browser of the same kind. SOTTO_TEST_CHROMIUM names another one. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export function openBrowser(): Promise<Browser> {
  const executablePath = process.env.SOTTO_TEST_CHROMIUM ?? PLACES.find((file) => existsSync(file))
  if (executablePath === undefined) throw new Error('this needs Chromium or Chrome on the machine')
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

/** On the page where one signs in. Waits for the conversations. */
export async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
}
