import path from 'node:path'
import { rolldown } from 'rolldown'
import { expect, it } from 'vitest'
import { namesMissing } from '../../../scripts/consumer/used-apis.ts'
import { bundleOf } from './support/bundle.ts'
import { packageRoot } from './support/commands.ts'

/*
 * Node 20 and Safari 16.4, which has all of ES2022, are the oldest runtimes that the README names. `typecheck` compiles
 * the packages with the library of ES2022. Their types of web APIs have no versions, so this looks for names.
 */

/** What later versions have added, if nothing else has that name. */
const properties = new Set([
  ...['withResolvers', 'groupBy', 'fromAsync', 'isWellFormed', 'toWellFormed', 'isError', 'sumPrecise'],
  ...[
    'findLast',
    'findLastIndex',
    'toSorted',
    'toReversed',
    'toSpliced',
    'getOrInsert',
    'getOrInsertComputed',
  ],
  ...['union', 'intersection', 'difference', 'symmetricDifference'],
  ...['isSubsetOf', 'isSupersetOf', 'isDisjointFrom', 'transferToFixedLength'],
  ...['toHex', 'fromHex', 'toBase64', 'fromBase64', 'f16round'],
  ...['any', 'canParse', 'checkVisibility', 'moveBefore', 'setHTMLUnsafe', 'bytes', 'randomUUID'],
])
const globals = new Set([
  ...['Iterator', 'Float16Array', 'DisposableStack', 'AsyncDisposableStack', 'SuppressedError', 'Temporal'],
  ...['scheduler', 'URLPattern', 'WebSocketStream', 'CookieStore', 'cookieStore'],
])
const apis = {
  there: { globals, properties },
  here: { globals: new Set<string>(), properties: new Set<string>() },
}

it('all code of the client runs in older runtimes', async () => {
  // Not `@sotto/sdk/server`, which does not run in browsers.
  const bundle = await bundleOf(`
    import * as sdk from '@sotto/sdk'
    import * as trpc from '@sotto/sdk/trpc'
    console.log(sdk, trpc)`)
  const code = [...bundle.values()].map((chunk) => chunk.code)
  expect(code.join()).toContain('BroadcastChannel')
  expect(code.flatMap((chunk) => namesMissing(chunk, apis))).toEqual([])
})

it('all code of the hooks runs in older runtimes', async () => {
  const folder = path.join(packageRoot, '../react')
  await using build = await rolldown({
    input: path.join(folder, 'src/index.ts'),
    external: (id) => !/^[./]/.test(id),
  })
  const { output } = await build.generate()
  expect(output[0].exports).toContain('useMessages')
  expect(namesMissing(output[0].code, apis)).toEqual([])
})
