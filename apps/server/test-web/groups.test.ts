import { createEmptyDatabase, serve } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, type Person, seeMessage, write } from './support/browser.ts'
import { databases } from './support/databases.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

/** A member's row in the details of the open group. */
function memberOf({ page }: Person, username: string) {
  return page
    .getByRole('region', { name: 'Group details' })
    .getByRole('listitem')
    .filter({ hasText: `@${username}` })
}

/** Performs an action on a member and confirms it. */
async function confirm(person: Person, action: string, username: string): Promise<void> {
  await memberOf(person, username).getByRole('button', { name: action }).click()
  await person.page.getByRole('alertdialog').getByRole('button', { name: action }).click()
}

describe.each(databases)('a group on %s', (using) => {
  test('can be created, renamed, joined, administered, transferred and left', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ SOTTO_SIGNUP: 'open', DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url, { account: 'alice' })
    await using bob = await openClient(browser, server.url, { account: 'bob' })
    await using carol = await openClient(browser, server.url, { account: 'carol' })

    // One unknown username: no group is created, and the error is shown at the field.
    const { page } = alice
    await page.getByRole('link', { name: 'People' }).click()
    await page.getByLabel('Group name').fill('Choir')
    await page.getByLabel('Add people').fill('bob, nobody')
    await page.getByRole('button', { name: 'Create group' }).click()
    await page.getByText('No user with this username.').waitFor()
    await page.getByLabel('Add people').fill('bob')
    await page.getByRole('button', { name: 'Create group' }).click()
    await page.getByRole('heading', { name: 'Choir' }).waitFor()
    await page.getByText('2 people').waitFor()

    await write(alice, 'Welcome!')
    const row = bob.page.getByRole('link', { name: /Choir/ })
    await row.getByText('1 unread').waitFor()
    await row.click()
    await seeMessage(bob, 'Welcome!')
    await bob.page.getByText('alice', { exact: true }).first().waitFor()
    await page.getByText('read by 1 of 1').waitFor({ state: 'attached' })

    await page.getByRole('button', { name: 'Members' }).click()
    await page.getByLabel('Group name').fill('Chamber choir')
    await page.getByRole('button', { name: 'Rename' }).click()
    await bob.page.getByRole('heading', { name: 'Chamber choir' }).waitFor()

    await page.getByLabel('Add people').fill('nobody')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('No user with this username.').waitFor()
    await page.getByLabel('Add people').fill('carol')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await memberOf(alice, 'carol').waitFor()
    await carol.page.getByRole('link', { name: /Chamber choir/ }).click()
    // New members only see messages sent after they joined.
    await carol.page.getByText('No messages yet. Say hello 👋').waitFor()

    // Members cannot change anything, admins can remove members, the owner can remove anyone.
    await bob.page.getByRole('button', { name: 'Members' }).click()
    await memberOf(bob, 'carol').waitFor()
    expect(await bob.page.getByRole('button', { name: /Remove/ }).count()).toBe(0)
    await memberOf(alice, 'bob').getByRole('button', { name: 'Make admin' }).click()
    await memberOf(bob, 'bob').getByText('admin').waitFor()
    await memberOf(bob, 'carol').getByRole('button', { name: 'Remove' }).click()
    await carol.page.getByText("You're no longer in this group.").waitFor()
    await expect.poll(() => memberOf(alice, 'carol').count()).toBe(0)

    await confirm(alice, 'Transfer ownership', 'bob')
    await memberOf(alice, 'bob').getByText('owner').waitFor()
    await memberOf(alice, 'alice').getByText('admin').waitFor()
    await page.getByRole('button', { name: 'Leave group' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Leave group' }).click()
    await page.getByText('Select a conversation').waitFor()
    await bob.page.getByText('1 person').waitFor()
    expectNoFaults(alice, bob, carol)
  })
})
