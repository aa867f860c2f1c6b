import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, signIn } from './browser.ts'
import { addSampleData } from './sample-data.ts'
import { startSeededServer } from './seeded-server.ts'

// Regenerates the screenshots in docs/images: `pnpm --filter @sotto/web screenshots`.

const folder = path.join(import.meta.dirname, '../../../docs/images')
const PASSWORD = 'a password for screenshots'

interface Shot {
  name: string
  path: string
  width: 360 | 1_440
  scheme?: 'light' | 'dark'
  /** The browser's locale. */
  locale?: string
  /** Runs before the screenshot is taken. */
  prepare?: (page: Page) => Promise<void>
}

function shots(groupId: string): Shot[] {
  const group = `/groups/${groupId}`
  return [
    { name: 'conversation-wide', path: group, width: 1_440 },
    { name: 'conversation-dark', path: '/with/jonas', width: 1_440, scheme: 'dark', prepare: showImage },
    { name: 'conversation-rtl', path: '/with/noam', width: 1_440, locale: 'ar' },
    { name: 'inbox-narrow', path: '/', width: 360 },
    { name: 'conversation-narrow', path: group, width: 360 },
    { name: 'people-narrow', path: '/people', width: 360, scheme: 'dark' },
    { name: 'settings-narrow', path: '/settings', width: 360, scheme: 'dark' },
  ]
}

async function showImage(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: /Show image/ })
    .first()
    .click()
  await page.locator('.media img').waitFor()
}

async function take(browser: Browser, url: string, shot: Shot): Promise<void> {
  const { name, width, scheme = 'light', locale = 'en-GB', prepare } = shot
  const context = await browser.newContext({
    viewport: { width, height: width === 360 ? 720 : 860 },
    colorScheme: scheme,
    locale,
    timezoneId: 'Europe/Paris',
  })
  try {
    // Serves the seeded image locally, so that this works offline.
    await context.route('https://picsum.photos/**', (route) =>
      route.fulfill({ contentType: 'image/svg+xml', body: VALLEY }),
    )
    const page = await context.newPage()
    await page.goto(url)
    await signIn(page, 'amira', PASSWORD)
    await page.goto(url + shot.path)
    await page.locator(':is(.row, .bubble, .page):visible').first().waitFor()
    await prepare?.(page)
    await page.waitForLoadState('networkidle', { timeout: 2_000 }).catch(() => {
      // The event stream keeps the network busy. Everything else has loaded by now.
    })
    await page.screenshot({ path: path.join(folder, `${name}.png`), animations: 'disabled', caret: 'hide' })
  } finally {
    await context.close()
  }
}

/** A river in a green valley, which is the alt text of the seeded image. */
const VALLEY = `<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="800">
<rect width="1200" height="800" fill="#8fb8d8"/>
<path d="M0 330L240 150 470 310 700 120 960 300 1200 170V800H0z" fill="#5d7f74"/>
<path d="M0 470L300 330 620 460 900 340 1200 450V800H0z" fill="#3f7a4d"/>
<path d="M560 430C700 520 380 560 520 640S900 720 760 800H420C640 720 260 660 380 570S480 500 520 430z" fill="#bfe0ee"/>
<path d="M0 640Q260 560 420 800H0zM1200 600Q960 600 820 800h380z" fill="#2d5d39"/>
</svg>`

await mkdir(folder, { recursive: true })
await using server = await startSeededServer()
const groupId = await addSampleData(server.sotto)
await server.sotto.passwords.set({ user: 'amira', newPassword: PASSWORD })
const browser = await openBrowser()
try {
  for (const shot of shots(groupId)) await take(browser, server.url, shot)
} finally {
  await browser.close()
}
