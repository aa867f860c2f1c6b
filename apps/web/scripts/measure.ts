import type { Browser, Page } from 'playwright-core'
import { openBrowser, signIn } from './browser.ts'
import { startSeededServer } from './seeded-server.ts'

// How long people wait for the web client: `pnpm --filter @sotto/web measure`. Server and browser on one machine.

const RUNS = 10
const PASSWORD = 'a password of a measurement'

/** What happened in the page when, in milliseconds since it was asked for. */
async function paintOf(page: Page, shown: string): Promise<{ paint: number; shown: number }> {
  await page.locator(shown).first().waitFor()
  return page.evaluate(() => ({
    paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
    shown: performance.now(),
  }))
}

interface Sending {
  shown: number
  sent: number
}

/** From the key that sends a message until it is there as sent; until it is shown at all, it is pending. */
async function sendAndWait(page: Page, text: string): Promise<Sending> {
  await page.getByPlaceholder('Message').fill(text)
  await page.evaluate((wanted) => {
    const article = () =>
      [...document.querySelectorAll<HTMLElement>('article')].find((one) =>
        one.querySelector('.text')?.textContent?.includes(wanted),
      )
    const measured = new Promise<Sending>((resolve) => {
      let pressedAt = 0
      let shown = 0
      document.addEventListener('keydown', () => (pressedAt = performance.now()), {
        capture: true,
        once: true,
      })
      const observer = new MutationObserver(() => {
        const found = article()
        if (!found || pressedAt === 0) return
        shown ||= performance.now() - pressedAt
        if (found.dataset.status !== 'sent') return
        observer.disconnect()
        resolve({ shown, sent: performance.now() - pressedAt })
      })
      observer.observe(document.body, {
        childList: true,
        subtree: true,
        attributes: true,
        characterData: true,
      })
    })
    Object.assign(window, { measured })
  }, text)
  await page.keyboard.press('Enter')
  return page.evaluate<Sending>('window.measured')
}

/** A first visit, with nothing in the browser's cache. */
async function firstVisit(browser: Browser, url: string): Promise<{ paint: number; shown: number }> {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(url)
    return await paintOf(page, 'input')
  } finally {
    await context.close()
  }
}

/** One after the other. */
async function repeat<Result>(work: (run: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (let run = 0; run < RUNS; run += 1) results.push(await work(run))
  return results
}

function print(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN)
  process.stdout.write(`${what.padEnd(56)} ${at(0.5)} ms, 95 % within ${at(0.95)} ms\n`)
}

await using server = await startSeededServer()
await server.sotto.passwords.set({ user: 'amira', newPassword: PASSWORD })
const browser = await openBrowser()
try {
  const visits = await repeat(() => firstVisit(browser, server.url))
  print(
    'First visit: something is painted',
    visits.map(({ paint }) => paint),
  )
  print(
    'First visit: one can sign in',
    visits.map(({ shown }) => shown),
  )

  const page = await browser.newPage()
  await page.goto(server.url)
  await signIn(page, 'amira', PASSWORD)
  const returns = await repeat(async () => {
    await page.goto(`${server.url}/with/jonas`)
    return paintOf(page, '.bubble')
  })
  print(
    'Coming back: something is painted',
    returns.map(({ paint }) => paint),
  )
  print(
    'Coming back: the conversation is there',
    returns.map(({ shown }) => shown),
  )

  const sends = await repeat((run) => sendAndWait(page, `Measured for the time number ${run}.`))
  print(
    'Enter is pressed: the message is shown',
    sends.map(({ shown }) => shown),
  )
  print(
    'Enter is pressed: the message is sent, and on the disk',
    sends.map(({ sent }) => sent),
  )
} finally {
  await browser.close()
}
