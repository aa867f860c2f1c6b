import type { Page } from 'playwright-core'
import { expect } from 'vitest'

// What runs in the page is text: these tests are not compiled for one.

/** The numbers of the messages in the page, from above. */
function seqsInPage(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`
    [...document.querySelectorAll('[data-seq]')]
      .map((slot) => ({ top: slot.getBoundingClientRect().top, seq: Number(slot.dataset.seq) }))
      .sort((a, b) => a.top - b.top)
      .map(({ seq }) => seq)`)
}

/** The message that stands at the top of what is in sight. */
export function seqInSight(page: Page): Promise<number> {
  return page.evaluate<number>(`(() => {
    const { top } = document.querySelector('[role=log]').getBoundingClientRect()
    const slots = [...document.querySelectorAll('[data-seq]')]
    // Half a pixel is what rounding makes of it.
    const seen = slots.filter((slot) => slot.getBoundingClientRect().bottom > top + 0.5)
    return Math.min(...seen.map((slot) => Number(slot.dataset.seq)))
  })()`)
}

/** Messages in the page: as many as are in sight, and some that may be soon. */
const MOST_IN_PAGE = 60

/** In order, none left out, and no more than are needed for what is in sight. */
export async function expectWhole(page: Page): Promise<void> {
  const seqs = await seqsInPage(page)
  const [first = 0] = seqs
  expect(seqs).toEqual(seqs.map((_, index) => first + index))
  expect(seqs.length).toBeLessThan(MOST_IN_PAGE)
}

/** Lower than any message. */
const LEAST_HEIGHT = 40

/** Turns the wheel over the list, and looks at it after each turn: what one reads goes by, and never leaps. */
export async function scroll(page: Page, deltaY: number, turns: number): Promise<void> {
  await page.getByRole('log').hover()
  let before = await seqInSight(page)
  for (let turn = 0; turn < turns; turn += 1) {
    await page.mouse.wheel(0, deltaY)
    await page.evaluate('new Promise(requestAnimationFrame)')
    await expectWhole(page)
    const now = await seqInSight(page)
    const moved = (now - before) * Math.sign(deltaY)
    expect(moved, `from ${before} to ${now}`).toBeGreaterThanOrEqual(0)
    // A turn may show with the next one.
    expect(moved, `from ${before} to ${now}`).toBeLessThanOrEqual((2 * Math.abs(deltaY)) / LEAST_HEIGHT)
    before = now
  }
}

/** Chooses a day in the calendar. */
export async function goToDate(page: Page, day: string, month: string, year: string): Promise<void> {
  await page.getByRole('button', { name: 'Jump to date' }).click()
  const dialog = page.getByRole('dialog', { name: 'Jump to date' })
  await dialog.getByRole('combobox', { name: 'Month' }).selectOption(month)
  await dialog.getByRole('combobox', { name: 'Year' }).selectOption(year)
  await dialog.getByRole('button', { name: new RegExp(`\\b${day} ${month}`) }).click()
  await dialog.waitFor({ state: 'detached' })
}
