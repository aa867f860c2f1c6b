import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, serve } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testScale } from '../../../scripts/test-scale.ts'
import { expectNoFaults, launch, openClient, seeMessage, signIn, write } from './support/browser.ts'
import { databases } from './support/databases.ts'
import { makeLongConversation } from './support/long-conversation.ts'
import { expectNoGaps, goToDate, scroll, topmostSeq } from './support/message-list.ts'

const SERVICE_KEY = 'sk_of-the-test'
/** 100,000 in `pnpm test:long:web`. */
const LENGTH = 25_000 * testScale
const READ = 10_000 * testScale
/** How far to scroll in each direction. */
const STEPS = 15 * testScale
const MIN_SCROLLED = 16 * STEPS
const password = 'correct horse battery staple'
/** One message a minute: 1,440 a day. */
const beginsAt = new Date(2026, 0, 1)

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

describe.each(databases)(`a conversation of ${LENGTH} messages on %s`, (using) => {
  test('can be read from anywhere in both directions', async () => {
    await using database = await createEmptyDatabase(using)
    await makeLongConversation(database.url, { length: LENGTH, readSeq: READ, beginsAt, password })
    await using server = await serve({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: SERVICE_KEY })
    const bob = createClient({ url: server.url, token: SERVICE_KEY }).as('bob')
    await using alice = await openClient(browser, server.url)
    await signIn(alice, 'alice', password)
    const { page } = alice
    await page.goto(`${server.url}/with/bob`)
    await seeMessage(alice, `${LENGTH}`)

    await page.getByRole('button', { name: 'First unread' }).click()
    await page.getByText('New messages').waitFor()
    await seeMessage(alice, `${READ + 1}`)
    expect(await topmostSeq(page)).toBe(READ + 1)
    // The focus moves to the list when its button disappears.
    expect(await page.evaluate('document.activeElement.role')).toBe('log')

    await scroll(page, -1_500, STEPS)
    await expect.poll(() => topmostSeq(page)).toBeLessThan(READ - MIN_SCROLLED)
    const above = await topmostSeq(page)
    await bob.messages.send({ to: 'alice', text: 'meanwhile' })
    await page.getByRole('button', { name: 'unread)' }).waitFor()
    await expectNoGaps(page)
    expect(await topmostSeq(page)).toBe(above)
    await scroll(page, 1_500, STEPS)
    await expect.poll(() => topmostSeq(page)).toBeGreaterThan(above + MIN_SCROLLED)
    // By keyboard as well.
    const before = await topmostSeq(page)
    await page.getByRole('log').focus()
    await page.keyboard.press('PageDown')
    await expect.poll(() => topmostSeq(page)).toBeGreaterThan(before)

    await goToDate(page, '15', 'January', '2026')
    await expect.poll(() => topmostSeq(page)).toBe(14 * 1_440 + 1)
    await expectNoGaps(page)
    await page.getByText('15 January 2026').waitFor()

    await page.getByRole('button', { name: 'Latest' }).click()
    await seeMessage(alice, 'meanwhile')
    await expectNoGaps(page)
    await bob.messages.send({ to: 'alice', text: 'and now' })
    await seeMessage(alice, 'and now')

    await goToDate(page, '1', 'January', '2026')
    await seeMessage(alice, '1')
    await write(alice, 'sent from the beginning')
    await seeMessage(alice, 'sent from the beginning')
    await expectNoGaps(page)
    expectNoFaults(alice)
  })
})
