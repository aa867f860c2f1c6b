import { createClient } from '@sotto/sdk'
import { type ServerHere, serve } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, seeMessage, write } from './support/browser.ts'

const KEY = 'sk_of-the-test'

let browser: Browser
let server: ServerHere
beforeAll(async () => {
  browser = await launch()
  server = await serve({ SOTTO_SIGNUP: 'open', SOTTO_SERVICE_KEY: KEY, DATABASE_URL: 'file::memory:' })
  await createClient({ url: server.url, token: KEY }).users.create({ username: 'bob' })
})
afterAll(async () => {
  await browser?.close()
  await server?.[Symbol.asyncDispose]()
})

describe.each([
  { locale: 'ar', direction: 'rtl' },
  { locale: 'he-IL', direction: 'rtl' },
  { locale: 'pa-Arab-PK', direction: 'rtl' },
  { locale: 'de', direction: 'ltr' },
])('in a browser whose language is $locale', ({ locale, direction }) => {
  test(`the interface is ${direction}, and every text has its own direction`, async () => {
    const username = `speaks-${locale.toLowerCase()}`
    await using alice = await openClient(browser, server.url, { account: username, locale })
    const { page } = alice
    await page.goto(`${server.url}/with/bob`)
    await write(alice, 'From left to right.')
    const bob = createClient({ url: server.url, token: KEY }).as('bob')
    await bob.messages.send({ to: username, text: 'שלום, מה שלומך?' })
    await seeMessage(alice, 'שלום, מה שלומך?')

    const leftOf = async (selector: string) =>
      (await page.locator(selector).first().boundingBox())?.x ?? Number.NaN
    const isMirrored = direction === 'rtl'
    expect(await page.locator(`html[dir=${direction}]`).count()).toBe(1)
    expect((await leftOf('nav.inbox')) > (await leftOf('main'))).toBe(isMirrored)
    expect((await leftOf('.mine .bubble')) < (await leftOf('.message:not(.mine) .bubble'))).toBe(isMirrored)
    await page.locator('.text:dir(ltr)', { hasText: 'From left' }).waitFor()
    await page.locator('.text:dir(rtl)', { hasText: 'שלום' }).waitFor()

    for (const path of ['/', '/with/bob', '/people', '/settings']) {
      for (const width of [360, 1_440]) {
        await page.setViewportSize({ width, height: 800 })
        await page.goto(server.url + path)
        await page.locator(':is(.row, .bubble, .page):visible').first().waitFor()
        expect(await page.evaluate('document.documentElement.scrollWidth'), `${path} at ${width}`).toBe(width)
      }
    }
    expectNoFaults(alice)
  })
})
