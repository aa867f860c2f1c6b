import { createEmptyDatabase, serve } from '@sotto/testing/internal'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoFaults, launch, openClient, type Person, seeMessage, write } from './support/browser.ts'
import { databases } from './support/databases.ts'

/** A picture of 200 by 300 pixels. */
const PICTURE = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="300"><rect width="200" height="300" fill="teal"/></svg>',
)

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

function message({ page }: Person, text: string) {
  return page.getByRole('article').filter({ hasText: text })
}

/** Presses one of the buttons that are shown on hover. */
async function act(person: Person, text: string, action: string): Promise<void> {
  await message(person, text).hover()
  await message(person, text).getByRole('button', { name: action, exact: true }).click()
}

describe.each(databases)('messages on %s', (using) => {
  test('can be reacted to, and edited and deleted by their senders', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ SOTTO_SIGNUP: 'open', DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url, { account: 'alice' })
    await using bob = await openClient(browser, server.url, { account: 'bob' })
    await alice.page.goto(`${server.url}/with/bob`)
    await write(alice, 'Cake at five?')
    await bob.page.goto(`${server.url}/with/alice`)
    await seeMessage(bob, 'Cake at five?')

    await act(bob, 'Cake', 'React')
    await bob.page.getByRole('button', { name: '🎉' }).click()
    await alice.page.getByRole('button', { name: '🎉 1' }).click()
    await bob.page.getByRole('button', { name: '🎉 2' }).click()
    await alice.page.getByRole('button', { name: '🎉 1' }).waitFor()
    await act(bob, 'Cake', 'React')
    await bob.page.getByLabel('Any emoji').fill('cake')
    await bob.page.keyboard.press('Enter')
    await bob.page.getByRole('form', { name: 'React to message' }).locator('.error').waitFor()
    await bob.page.getByLabel('Any emoji').fill('🍰')
    await bob.page.keyboard.press('Enter')
    await alice.page.getByRole('button', { name: '🍰 1' }).waitFor()
    // Users cannot edit or delete other users' messages.
    expect(
      await message(bob, 'Cake')
        .getByRole('button', { name: /Edit|Delete/ })
        .count(),
    ).toBe(0)

    await act(alice, 'Cake', 'Edit')
    await alice.page.getByLabel('Edit message').fill(' ')
    await alice.page.keyboard.press('Enter')
    await alice.page.getByRole('alert').waitFor()
    await alice.page.keyboard.press('Escape')
    await seeMessage(alice, 'Cake at five?')
    await act(alice, 'Cake', 'Edit')
    await alice.page.getByLabel('Edit message').fill('Cake at six?')
    await alice.page.keyboard.press('Enter')
    await seeMessage(bob, 'Cake at six?')
    await message(bob, 'Cake').getByText('edited').waitFor()

    await act(alice, 'Cake', 'Delete')
    await alice.page.getByRole('button', { name: 'Cancel' }).click()
    await act(alice, 'Cake', 'Delete')
    await alice.page
      .getByRole('group', { name: 'Delete message' })
      .getByRole('button', { name: 'Delete' })
      .click()
    for (const person of [alice, bob]) await seeMessage(person, 'Message deleted')
    expect(await bob.page.getByRole('button', { name: '🍰 1' }).count()).toBe(0)
    expectNoFaults(alice, bob)
  })

  test('can have images and videos, whose hosts are not contacted until requested', async () => {
    await using database = await createEmptyDatabase(using)
    await using server = await serve({ SOTTO_SIGNUP: 'open', DATABASE_URL: database.url })
    await using alice = await openClient(browser, server.url, { account: 'alice' })
    await using bob = await openClient(browser, server.url, { account: 'bob' })
    for (const { context } of [alice, bob]) {
      await context.route('https://pictures.example/**', (route) =>
        route.fulfill({ contentType: 'image/svg+xml', body: PICTURE }),
      )
    }
    await alice.page.goto(`${server.url}/with/bob`)
    await bob.page.goto(`${server.url}/with/alice`)
    const { page } = alice
    const attach = page.getByRole('form', { name: 'Attach an image or video' })

    await page.getByRole('button', { name: 'Attach an image or video' }).click()
    await attach.getByLabel('Link').fill('https://pictures.example/sea.svg')
    await attach.getByLabel('Caption').fill('The sea')
    await attach.getByLabel('Description').fill('Teal all over')
    expectNoFaults(alice)
    await attach.getByRole('button', { name: 'Load from pictures.example' }).click()
    await expect.poll(() => attach.getByLabel('Width').inputValue()).toBe('200')
    expect(await attach.getByLabel('Height').inputValue()).toBe('300')
    await attach.getByRole('button', { name: 'Send', exact: true }).click()
    await seeMessage(bob, 'The sea')
    const shown = message(bob, 'The sea')
    expectNoFaults(bob)
    await shown.getByRole('button', { name: 'Show image from pictures.example: Teal all over' }).click()
    const image = shown.getByRole('img', { name: 'Teal all over' })
    await expect
      .poll(() => image.evaluate((element) => 'naturalWidth' in element && element.naturalWidth))
      .toBe(200)
    expect(bob.faults).toEqual(['request: https://pictures.example/sea.svg'])

    await page.getByRole('button', { name: 'Attach an image or video' }).click()
    await attach.getByRole('button', { name: 'Video' }).click()
    await attach.getByLabel('Link').fill('https://www.youtube.com/watch?v=aqz-KE-bpKQ')
    await attach.getByLabel('Duration (seconds)').fill('635')
    await page.keyboard.press('Enter')
    await bob.page.getByRole('link', { name: 'Watch on www.youtube.com' }).waitFor()
    await bob.page.getByText('10:35').waitFor()
    expect(alice.faults).toEqual(['request: https://pictures.example/sea.svg'])
  })
})
