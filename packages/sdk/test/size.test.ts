import { beforeAll, describe, expect, it } from 'vitest'
import { bundleOf, downloadOf } from './support/bundle.ts'

/* What a browser downloads, in gzipped bytes, with the dependencies of the lock file. */

const HELLO_WORLD = 14_000
const WITH_STREAMS = 18_000
const WITH_LIVE_VIEWS = 26_000
const WITH_STORAGE = 28_000
const WITH_SHARING = 31_500
const ERRORS = 1_500

const helloWorld = `
  import { createClient } from '@sotto/sdk'
  console.log(await createClient({ url: '/', token: 'x' }).messages.send({ to: 'bob', text: 'hello' }))`

let bundle: Awaited<ReturnType<typeof bundleOf>>

beforeAll(async () => {
  bundle = await bundleOf(helloWorld)
})

describe('the download', () => {
  it.each<[string, RegExp | undefined, number]>([
    ['one message', undefined, HELLO_WORLD],
    ['streams', /^streams-/, WITH_STREAMS],
    ['live views', /^(streams|live-views)-/, WITH_LIVE_VIEWS],
    ['live views with a storage', /^(streams|live-views|stored-drafts)-/, WITH_STORAGE],
    [
      'live views in a browser, whose tabs share a stream',
      /^(streams|live-views|shared-events)-/,
      WITH_SHARING,
    ],
  ])('of a program with %s is small', (_, parts, limit) => {
    const size = downloadOf(bundle, parts)
    console.info(`${size} of ${limit} bytes`)
    expect(size).toBeLessThanOrEqual(limit)
    if (parts) expect(size).toBeGreaterThan(downloadOf(bundle) + 1_000)
  })

  it('of a program that only compares errors is small', async () => {
    const errors = await bundleOf(`import { SottoError } from '@sotto/sdk'\nconsole.log(SottoError)`)
    expect(downloadOf(errors)).toBeLessThan(ERRORS)
  })

  it('has no schemas, no superjson and no WebSocket client', () => {
    const modules = [...bundle.values()].flatMap(({ moduleIds }) => moduleIds)
    expect(modules.filter((id) => /\/zod\/|superjson\/|wsLink/.test(id))).toEqual([])
  })
})
