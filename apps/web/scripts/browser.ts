import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

/** The usual paths of Chromium and Chrome. SOTTO_TEST_CHROMIUM overrides them. */
const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export function openBrowser(): Promise<Browser> {
  const executablePath = process.env.SOTTO_TEST_CHROMIUM ?? PATHS.find((file) => existsSync(file))
  if (executablePath === undefined)
    throw new Error('Chromium or Chrome is required: install one, or set SOTTO_TEST_CHROMIUM to its path')
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

/** Fills in the sign-in page and waits for the inbox. */
export async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
}
