import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, spawnServer } from '@sotto/testing/internal'
import type { Browser, Page, Request, WebSocket } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, seeMessage, signUp, write } from './support/browser.ts'

const settings = { SOTTO_SIGNUP: 'open', SOTTO_SERVICE_KEY: 'sk_of-the-test' }
/** More than the HTTP/1.1 connections that a browser opens to a host. */
const TABS = 8

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

test('eight tabs work over one stream, also after its tab is closed and the next one is frozen', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({ ...settings, DATABASE_URL: database.url })
  const admin = createClient({ url: server.url, token: settings.SOTTO_SERVICE_KEY })
  await using alice = await openClient(browser, server.url)
  const { context } = alice
  const streams = new Map<Request | WebSocket, Page>()
  context.on('request', (request) => {
    if (new URL(request.url()).pathname === '/v1/events') streams.set(request, request.frame().page())
  })
  context.on('requestfinished', (request) => void streams.delete(request))
  context.on('requestfailed', (request) => void streams.delete(request))
  context.on('page', (page) => {
    page.on('websocket', (socket) => {
      streams.set(socket, page)
      socket.on('close', () => void streams.delete(socket))
    })
  })
  /** The open tabs that have a stream. */
  const readers = () => [...streams.values()].filter((page) => !page.isClosed())
  await signUp(alice, 'alice')
  await admin.users.create({ username: 'bob' })

  const others = await Promise.all(Array.from({ length: TABS - 1 }, () => context.newPage()))
  await Promise.all([alice.page, ...others].map((page) => page.goto(`${server.url}/with/bob`)))
  async function exchange(text: string, pages: Page[]): Promise<void> {
    await admin.messages.send({ from: 'bob', to: 'alice', text })
    await Promise.all(pages.map((page) => seeMessage({ ...alice, page }, text)))
  }
  const all = [alice.page, ...others]
  await exchange('to all', all)
  // Calls are not held up by streams.
  for (const [index, page] of all.entries()) await write({ ...alice, page }, `from tab ${index}`)
  for (const index of all.keys()) await seeMessage(alice, `from tab ${index}`)
  expect(readers()).toHaveLength(1)

  await readers()[0]?.close()
  const open = all.filter((page) => !page.isClosed())
  expect(open).toHaveLength(TABS - 1)
  await exchange('after closing', open)
  expect(readers()).toHaveLength(1)

  const [frozen = alice.page] = readers()
  const devtools = await context.newCDPSession(frozen)
  // Playwright keeps pages visible, and Chromium does not freeze visible pages.
  await devtools.send('Debugger.enable')
  await devtools.send('Debugger.pause')
  const awake = open.filter((page) => page !== frozen)
  await exchange('after freezing', awake)
  await devtools.send('Debugger.disable')
  await exchange('at last', open)
  await seeMessage({ ...alice, page: frozen }, 'after freezing')
  await expect.poll(() => readers().length).toBe(1)
  expect(readers()).not.toContain(frozen)
  expectNoFaults(alice)
})
