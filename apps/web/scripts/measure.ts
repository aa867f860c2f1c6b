import type { Browser, Page } from 'playwright-core'
import { openBrowser, signIn } from './browser.ts'
import { startSeededServer } from './seeded-server.ts'

// Measures the web client's latency: `pnpm --filter @sotto/web measure`. Server and browser run on the same machine.

const RUNS = 10
const PASSWORD = 'a password for measurements'

/** First contentful paint, and when the selector was shown, in milliseconds since the navigation. */
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

/** The time from pressing Enter until the message is shown (as pending), and until it is sent. */
async function sendAndWait(page: Page, text: string): Promise<Sending> {
  await page.getByPlaceholder('Message').fill(text)
  await page.evaluate((wanted) => {
    const article = () =>
      [...document.querySelectorAll<HTMLElement>('article')].find((element) =>
        element.querySelector('.text')?.textContent?.includes(wanted),
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

/** A first visit, with an empty cache. */
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

/** Runs sequentially. */
async function repeat<Result>(work: (run: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (let run = 0; run < RUNS; run += 1) results.push(await work(run))
  return results
}

function print(label: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN)
  process.stdout.write(`${label.padEnd(48)} median ${at(0.5)} ms, p95 ${at(0.95)} ms\n`)
}

await using server = await startSeededServer()
await server.sotto.passwords.set({ user: 'amira', newPassword: PASSWORD })
const browser = await openBrowser()
try {
  const visits = await repeat(() => firstVisit(browser, server.url))
  print(
    'First visit: first contentful paint',
    visits.map(({ paint }) => paint),
  )
  print(
    'First visit: sign-in form shown',
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
    'Returning visit: first contentful paint',
    returns.map(({ paint }) => paint),
  )
  print(
    'Returning visit: conversation shown',
    returns.map(({ shown }) => shown),
  )

  const sends = await repeat((run) => sendAndWait(page, `Measurement ${run}.`))
  print(
    'Sending: message shown',
    sends.map(({ shown }) => shown),
  )
  print(
    'Sending: message stored by the server',
    sends.map(({ sent }) => sent),
  )
} finally {
  await browser.close()
}
