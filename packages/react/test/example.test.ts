import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { createTestServer } from '@sotto/testing'
import { rolldown } from 'rolldown'
import { expect, it, vi } from 'vitest'
import { createDocument } from './support/dom.ts'

const packageRoot = path.join(import.meta.dirname, '..')

/** Bundles the example for a browser. @returns the path of the bundle */
async function build(folder: string): Promise<string> {
  await using bundle = await rolldown({
    input: path.join(packageRoot, 'example/app.tsx'),
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  })
  const file = path.join(folder, 'app.mjs')
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  return file
}

it('sends and receives messages', async () => {
  await using server = await createTestServer({ users: ['alice', 'bob'], settings: { signUp: 'open' } })
  const password = 'correct horse battery staple'
  await server.client.users.create({ username: 'carol', password })
  const { token } = await server.client.sessions.create({ username: 'carol', password })
  await server.as('bob').messages.send({ to: 'carol', text: 'Are you there?' })

  const folder = await mkdtemp(path.join(packageRoot, 'node_modules/.example-'))
  try {
    const { body: page, defaultView } = createDocument().ownerDocument
    vi.stubGlobal('FormData', defaultView?.FormData)
    vi.stubGlobal('location', { search: `?url=${encodeURIComponent(server.url)}&token=${token}` })
    vi.stubGlobal('fetch', server.fetch)
    await import(await build(folder))
    await expect.poll(() => page.textContent).toContain('bob: Are you there? (1 unread)')

    page.querySelector('button')?.click()
    await expect.poll(() => page.querySelector('p')?.textContent).toBe('bob: Are you there? (sent)')
    const input = page.querySelector('input')
    if (!input) throw new Error('the message input is missing')
    input.value = 'Yes!'
    page.querySelector('form')?.requestSubmit()
    await expect.poll(() => page.textContent).toContain('I: Yes! (sent)')
    const { items } = await server.as('bob').direct.messages({ user: 'carol' })
    expect(items[0]?.text).toBe('Yes!')
  } finally {
    vi.unstubAllGlobals()
    await rm(folder, { recursive: true, force: true })
  }
})
