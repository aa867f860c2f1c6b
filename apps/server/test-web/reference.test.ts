import { createClient } from '@sotto/sdk'
import { type ServerHere, serve } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, type Person } from './support/browser.ts'
import { scrollsSideways, violationsOf } from './support/page-checks.ts'

const KEY = 'sk_of-the-test'

let browser: Browser
let server: ServerHere
beforeAll(async () => {
  browser = await launch()
  server = await serve({
    SOTTO_SIGNUP: 'open',
    SOTTO_SERVICE_KEY: KEY,
    DATABASE_URL: 'file::memory:',
  })
  const sotto = createClient({ url: server.url, token: KEY })
  await sotto.users.create({ username: 'alice' })
  await sotto.users.create({ username: 'bob' })
})
afterAll(async () => {
  await browser?.close()
  await server?.[Symbol.asyncDispose]()
})

async function openOperation({ page }: Person, name: string): Promise<void> {
  await page.goto(`${server.url}/docs#${name}`)
  await page.getByRole('button', { name: 'Send' }).waitFor()
}

async function useKey({ page }: Person, actAs = ''): Promise<void> {
  await page.getByLabel('Authenticate with').selectOption('Service key or token')
  await page.getByLabel('Key or token').fill(KEY)
  await page.getByLabel('Act-As').fill(actAs)
}

/** Sends the request and waits for the status of the response. */
async function send({ page }: Person, status: string): Promise<void> {
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByRole('region', { name: 'Response', exact: true }).getByText(status).waitFor()
}

test('an operation can be found, filled in and sent', async () => {
  await using reader = await openClient(browser, `${server.url}/docs`)
  const { page } = reader
  await page.getByLabel('Find an operation').fill('send a message')
  await page.getByRole('link', { name: /POST \/v1\/messages/ }).click()
  await page.getByRole('heading', { name: 'Send a message' }).waitFor()
  // The form is filled in with the example.
  expect(JSON.parse(await page.getByLabel('Body (JSON)').inputValue())).toMatchObject({ to: 'bob' })
  await useKey(reader, 'alice')
  await send(reader, '201 Created')
  const response = page.getByRole('region', { name: 'Response', exact: true })
  await response.getByText('"sender": "alice"').waitFor()
  await response.getByText('x-request-id').waitFor()
  const sotto = createClient({ url: server.url, token: KEY })
  const { items } = await sotto.messages.between(['alice', 'bob'])
  expect(items.map(({ text }) => text)).toEqual(['Hello, Bob!'])

  const curl = await page.locator('pre', { hasText: 'curl' }).textContent()
  expect(curl).toBe(
    [
      `curl -X POST '${server.url}/v1/messages'`,
      '-H "Authorization: Bearer $SOTTO_TOKEN"',
      "-H 'Act-As: alice'",
      "-H 'Content-Type: application/json'",
      `-d '{"to":"bob","text":"Hello, Bob!","clientMessageId":"b3f7"}'`,
    ].join(' \\\n  '),
  )

  // Query and path parameters.
  await page.getByLabel('Find an operation').fill('messages.list')
  await page.getByRole('link', { name: 'List messages across conversations' }).click()
  await page.getByLabel('between (query)').fill('alice,bob')
  await page.getByLabel('kind (query)').selectOption('image')
  await send(reader, '200 OK')
  await response.getByText('"items": []').waitFor()
  // The key is not stored.
  expect(
    await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])'),
  ).not.toContain(KEY)
  await page.reload()
  await page.getByRole('button', { name: 'Send' }).waitFor()
  expect(await page.getByLabel('Key or token').count()).toBe(0)
  expectNoFaults(reader)
})

test('validation errors are shown at their fields', async () => {
  await using reader = await openClient(browser, `${server.url}/docs`)
  const { page } = reader
  await openOperation(reader, 'users.list')
  await useKey(reader)
  await page.getByLabel('limit (query)').fill('0')
  await send(reader, '400 Bad Request')
  const describedBy = await page.getByLabel('limit (query)').getAttribute('aria-describedby')
  const descriptions = await page
    .locator(
      (describedBy ?? '')
        .split(' ')
        .map((id) => `[id="${id}"]`)
        .join(', '),
    )
    .allTextContents()
  expect(descriptions.join(' ')).toContain('must be a whole number from 1 to 200')
  await page.getByLabel('limit (query)').fill('1')
  await send(reader, '200 OK')

  await openOperation(reader, 'users.create')
  await page.getByLabel('Body (JSON)').fill('{"username": "Carol Ann", "age": 42}')
  await send(reader, '400 Bad Request')
  await page.locator('form').getByText('age: is not a known field').waitFor()
  await page.getByLabel('Body (JSON)').fill('{')
  await send(reader, '400 Bad Request')
  expectNoFaults(reader)
})

test('requests can use the session cookie or no credentials', async () => {
  await using carol = await openClient(browser, server.url, { account: 'carol' })
  await openOperation(carol, 'users.update')
  await carol.page.getByLabel('user (path, required)').fill('carol')
  await carol.page.getByLabel('Body (JSON)').fill('{"displayName": "Carol of the docs"}')
  // Writes with the cookie are only accepted from this origin.
  await send(carol, '200 OK')
  await carol.page.locator('pre', { hasText: '"displayName": "Carol of the docs"' }).waitFor()
  await carol.page.getByLabel('Authenticate with').selectOption('No credentials')
  await send(carol, '401 Unauthorized')
  expectNoFaults(carol)
})

test('a stream is shown as it arrives and can be stopped', async () => {
  await using reader = await openClient(browser, `${server.url}/docs`)
  const { page } = reader
  await openOperation(reader, 'events.stream')
  await useKey(reader, 'bob')
  await send(reader, '200 OK')
  const alice = createClient({ url: server.url, token: KEY }).as('alice')
  await alice.messages.send({ to: 'bob', text: 'Seen in the stream' })
  await page.getByText('Seen in the stream').waitFor()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByText('Stopped.').waitFor()
  expectNoFaults(reader)
})

describe.each([
  { width: 360, height: 740, scheme: 'light' },
  { width: 1_440, height: 900, scheme: 'dark' },
] as const)('at a width of $width pixels, in $scheme mode', ({ width, height, scheme }) => {
  test('the reference has no serious accessibility violation and does not scroll sideways', async () => {
    await using reader = await openClient(browser, `${server.url}/docs`, { width, height })
    const { page } = reader
    await page.emulateMedia({ colorScheme: scheme })
    await page.getByRole('heading', { name: 'messages' }).waitFor()
    expect(await violationsOf(reader)).toEqual([])
    expect(await scrollsSideways(reader)).toBe(false)
    await page.getByRole('link', { name: /POST \/v1\/messages/ }).click()
    await useKey(reader, 'alice')
    await page.getByLabel('Body (JSON)').fill('{"to": "bob", "text": ""}')
    await send(reader, '400 Bad Request')
    expect(await violationsOf(reader)).toEqual([])
    expect(await scrollsSideways(reader)).toBe(false)
    expectNoFaults(reader)
  })
})
