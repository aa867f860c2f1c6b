import type { Page } from 'playwright-core'
import { expect } from 'vitest'

// Code that runs in the page is a string: these tests have no DOM types.

/** The seqs of the rendered messages, from top to bottom. */
function seqsInPage(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`
    [...document.querySelectorAll('[data-seq]')]
      .map((slot) => ({ top: slot.getBoundingClientRect().top, seq: Number(slot.dataset.seq) }))
      .sort((a, b) => a.top - b.top)
      .map(({ seq }) => seq)`)
}

/** The seq of the topmost visible message. */
export function topmostSeq(page: Page): Promise<number> {
  return page.evaluate<number>(`(() => {
    const { top } = document.querySelector('[role=log]').getBoundingClientRect()
    const slots = [...document.querySelectorAll('[data-seq]')]
    // Allows for rounding.
    const seen = slots.filter((slot) => slot.getBoundingClientRect().bottom > top + 0.5)
    return Math.min(...seen.map((slot) => Number(slot.dataset.seq)))
  })()`)
}

/** The maximum number of rendered messages: those in view and the overscan. */
const MAX_RENDERED = 60

/** Expects the rendered messages to be in order, without gaps, and few. */
export async function expectNoGaps(page: Page): Promise<void> {
  const seqs = await seqsInPage(page)
  const [first = 0] = seqs
  expect(seqs).toEqual(seqs.map((_, index) => first + index))
  expect(seqs.length).toBeLessThan(MAX_RENDERED)
}

/** Less than the height of any message. */
const MIN_HEIGHT = 40

/** Scrolls with the mouse wheel and checks after each step that no messages were skipped. */
export async function scroll(page: Page, deltaY: number, steps: number): Promise<void> {
  await page.getByRole('log').hover()
  let before = await topmostSeq(page)
  for (let step = 0; step < steps; step += 1) {
    await page.mouse.wheel(0, deltaY)
    await page.evaluate('new Promise(requestAnimationFrame)')
    await expectNoGaps(page)
    const now = await topmostSeq(page)
    const moved = (now - before) * Math.sign(deltaY)
    expect(moved, `from ${before} to ${now}`).toBeGreaterThanOrEqual(0)
    // Two steps may be rendered together.
    expect(moved, `from ${before} to ${now}`).toBeLessThanOrEqual((2 * Math.abs(deltaY)) / MIN_HEIGHT)
    before = now
  }
}

/** Selects a day in the calendar. */
export async function goToDate(page: Page, day: string, month: string, year: string): Promise<void> {
  await page.getByRole('button', { name: 'Jump to date' }).click()
  const dialog = page.getByRole('dialog', { name: 'Jump to date' })
  await dialog.getByRole('combobox', { name: 'Month' }).selectOption(month)
  await dialog.getByRole('combobox', { name: 'Year' }).selectOption(year)
  await dialog.getByRole('button', { name: new RegExp(`\\b${day} ${month}`) }).click()
  await dialog.waitFor({ state: 'detached' })
}
