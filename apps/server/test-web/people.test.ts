import { createEmptyDatabase, serve } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, type Person, write } from './support/browser.ts'
import { databases } from './support/databases.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

/** Presses a button of a user on the People page. */
function act({ page }: Person, region: string, action: string, username: string): Promise<void> {
  const line = page
    .getByRole('region', { name: region })
    .getByRole('listitem')
    .filter({ hasText: `@${username}` })
  return line.getByRole('button', { name: action }).click()
}

async function find({ page }: Person, username: string): Promise<void> {
  await page.getByLabel('Name or username').fill(username)
  await page.getByRole('region', { name: 'Find people' }).getByText(`@${username}`).waitFor()
}

describe.each(databases)('people on %s', (using) => {
  test('request, accept, decline and remove contacts, with live updates for the other user', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ SOTTO_SIGNUP: 'open', DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url, { account: 'alice' })
    await using bob = await openClient(browser, server.url, { account: 'bob' })
    await alice.page.getByRole('link', { name: 'People' }).click()
    await bob.page.getByRole('link', { name: 'People' }).click()
    const asked = bob.page.getByText('Contact requests')

    await find(alice, 'bob')
    await act(alice, 'Find people', 'Add contact', 'bob')
    await alice.page.getByText('Sent requests').waitFor()
    await asked.waitFor()
    await act(bob, 'Contacts', 'Decline', 'alice')
    await asked.waitFor({ state: 'hidden' })
    // The sender cannot see that the request was declined.
    await act(alice, 'Contacts', 'Cancel request', 'bob')
    await alice.page.getByText('Sent requests').waitFor({ state: 'hidden' })

    await act(alice, 'Find people', 'Add contact', 'bob')
    await asked.waitFor()
    await act(alice, 'Contacts', 'Cancel request', 'bob')
    await asked.waitFor({ state: 'hidden' })

    await act(alice, 'Find people', 'Add contact', 'bob')
    await asked.waitFor()
    await act(bob, 'Contacts', 'Accept', 'alice')
    for (const { page } of [alice, bob]) await page.getByText('Your contacts').waitFor()
    await act(alice, 'Contacts', 'Remove', 'bob')
    await bob.page.getByText('Your contacts').waitFor({ state: 'hidden' })
    expectNoFaults(alice, bob)
  })

  test('block users, who then cannot message them, and unblock them', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ SOTTO_SIGNUP: 'open', DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url, { account: 'alice' })
    await using bob = await openClient(browser, server.url, { account: 'bob' })
    await bob.page.goto(`${server.url}/with/alice`)
    await write(bob, 'Buy this!')
    await alice.page.getByRole('link', { name: /bob/ }).getByText('Buy this!').waitFor()

    await alice.page.getByRole('link', { name: 'People' }).click()
    await find(alice, 'bob')
    await act(alice, 'Find people', 'Block', 'bob')
    await alice.page.getByRole('region', { name: 'Blocked' }).getByText('@bob').waitFor()
    await write(bob, 'And this!')
    const failed = bob.page.getByRole('article').filter({ hasText: 'And this!' })
    await failed.getByText("You can't message alice.").waitFor()

    await act(alice, 'Blocked', 'Unblock', 'bob')
    await alice.page.getByRole('region', { name: 'Blocked' }).waitFor({ state: 'hidden' })
    await failed.getByRole('button', { name: 'Try again' }).click()
    await alice.page.getByRole('link', { name: /bob/ }).getByText('And this!').waitFor()
    expect(await bob.page.getByRole('alert').count()).toBe(0)
    expectNoFaults(alice, bob)
  })
})
