import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Context } from '../../src/app/context.ts'
import type { StreamItem, Subscription } from '../../src/realtime/subscription.ts'
import { eventGenerator } from '../../src/rpc/event-generator.ts'

const app = {
  metrics: { callFinished() {} },
  tracing: { spanOf: () => ({ run: <Result>(work: () => Result) => work(), end() {} }) },
}

/** Reads a stream of two items to its end. @returns the items that count as delivered. */
async function deliveredOver(connection: Partial<Context>): Promise<string[]> {
  const delivered: string[] = []
  const batches = [['one'], ['two']]
  const stream = {
    cursor: 'start',
    endWith() {},
    end() {},
    take: async () => batches.shift()?.map((cursor) => ({ cursor, event: {} })),
    written: (items: readonly StreamItem[]) =>
      void delivered.push(...items.map(({ cursor }) => String(cursor))),
  }
  const options = {
    name: 'events.stream',
    signal: undefined,
    open: async () => stream as unknown as Subscription,
  }
  const generator = eventGenerator({ ...options, ctx: { app, ...connection } as unknown as Context })
  expect((await Array.fromAsync(generator)).map(([id]) => id)).toEqual(['one', 'two'])
  await setImmediate()
  return delivered
}

test('events count as delivered when the connection requests the next one', async () => {
  expect(await deliveredOver({})).toEqual(['one', 'two'])
})

test('events that a closing WebSocket drops do not count as delivered', async () => {
  let isOpen = true
  const socket: Partial<Context> = {
    async drained() {
      isOpen = false
    },
    onSent(work) {
      if (isOpen) work()
    },
  }
  expect(await deliveredOver(socket)).toEqual(['one'])
})
