import { createEmptyDatabase, serve } from '@sotto/testing/internal'
import type { CDPSession } from 'playwright-core'
import { expect, test } from 'vitest'
import { testScale } from '../../../scripts/test-scale.ts'
import { launch, openClient, seeMessage, signIn } from './support/browser.ts'
import { makeLongConversation } from './support/long-conversation.ts'
import { expectNoGaps, topmostSeq } from './support/message-list.ts'

const isLong = testScale > 1
const LENGTH = isLong ? 100_000 : 5_000
/** How many messages to scroll through, first up and then down. */
const DISTANCE = isLong ? 5_000 : 500
/** Pixels per frame: about two hundred messages per second at 60 frames per second. */
const SPEED = 300
const password = 'correct horse battery staple'

/** The duration of a frame at 60 frames per second. */
const FRAME_MS = 1_000 / 60
/** The maximum growth of the JavaScript heap. */
const HEAP_GROWTH_MIB = isLong ? 20 : 3

interface Frames {
  count: number
  seconds: number
  longestMs: number
  dropped: number
}

/** A script that scrolls in every frame until a message is rendered. Returns the time of each frame. */
function scrollTo(seq: number, pixels: number): string {
  return `new Promise((resolve) => {
    const log = document.querySelector('[role=log]')
    const times = []
    const seqs = () => [...log.querySelectorAll('[data-seq]')].map((slot) => Number(slot.dataset.seq))
    const isRendered = ${pixels < 0 ? `() => Math.min(...seqs()) <= ${seq}` : `() => Math.max(...seqs()) >= ${seq}`}
    requestAnimationFrame(function frame(time) {
      times.push(time)
      if (isRendered()) return resolve(times)
      log.scrollTop += ${pixels}
      requestAnimationFrame(frame)
    })
  })`
}

function framesOf(times: readonly number[]): Frames {
  const lengths = times.slice(1).map((time, index) => time - (times[index] ?? time))
  return {
    count: lengths.length,
    seconds: lengths.reduce((sum, length) => sum + length, 0) / 1_000,
    longestMs: Math.max(...lengths),
    dropped: lengths.reduce((sum, length) => sum + Math.max(0, Math.round(length / FRAME_MS) - 1), 0),
  }
}

function describeFrames(direction: string, { count, seconds, longestMs, dropped }: Frames): string {
  const frames = `${count} frames, the longest ${longestMs.toFixed(0)} ms, ${dropped} dropped`
  return `${DISTANCE} messages ${direction} in ${seconds.toFixed(1)} s: ${frames}`
}

async function heapMib(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize / 2 ** 20
}

// Prints measurements for docs/web.md. Only machine-independent results are checked.
test('scrolling through thousands of messages does not leak memory', async () => {
  await using database = await createEmptyDatabase('sqlite')
  const beginsAt = new Date(2026, 0, 1)
  await makeLongConversation(database.url, { length: LENGTH, readSeq: LENGTH, beginsAt, password })
  await using server = await serve({ DATABASE_URL: database.url })
  await using browser = await launch()
  await using alice = await openClient(browser, server.url)
  const { page, context } = alice
  await signIn(alice, 'alice', password)
  await page.goto(`${server.url}/with/bob`)
  await seeMessage(alice, `${LENGTH}`)
  const session = await context.newCDPSession(page)
  const before = await heapMib(session)

  const up = framesOf(await page.evaluate<number[]>(scrollTo(LENGTH - DISTANCE, -SPEED)))
  await expectNoGaps(page)
  expect(await topmostSeq(page)).toBeLessThan(LENGTH - DISTANCE + 20)
  const down = framesOf(await page.evaluate<number[]>(scrollTo(LENGTH, SPEED)))
  await expectNoGaps(page)
  const after = await heapMib(session)

  process.stdout.write(`${describeFrames('up', up)}
${describeFrames('down', down)}
JavaScript heap: ${before.toFixed(1)} MiB before, ${after.toFixed(1)} MiB after
`)
  expect(after - before).toBeLessThan(HEAP_GROWTH_MIB)
}, 240_000)
