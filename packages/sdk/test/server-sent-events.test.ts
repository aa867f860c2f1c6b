import { expect, it } from 'vitest'
import { createBlockParser } from '../src/server-sent-events.ts'

const stream = [
  '\uFEFFid: 1\n: connected\n\n',
  'id: 2\r\nevent: message.created\r\ndata: {"text":"Zoë 👩‍👩‍👧 日本"}\r\n\r\n',
  ': alive\r\r',
  'data:first\ndata: second\ndata\n\n',
  'retry: 1500\n\n',
  'retry: soon\nid: a\0b\nunknown: x\n\n',
  'id\ndata: { "a": 1 }\n\n',
  'id: 9\ndata: never ended\n',
].join('')

const blocks = [
  { id: '1', data: undefined, retryMs: undefined },
  { id: '2', data: '{"text":"Zoë 👩‍👩‍👧 日本"}', retryMs: undefined },
  { id: undefined, data: undefined, retryMs: undefined },
  { id: undefined, data: 'first\nsecond\n', retryMs: undefined },
  { id: undefined, data: undefined, retryMs: 1_500 },
  { id: undefined, data: undefined, retryMs: undefined },
  { id: '', data: '{ "a": 1 }', retryMs: undefined },
]

const bytes = new TextEncoder().encode(stream)

it.each([1, 2, 3, 5, 7, 11, 64, bytes.length])('parses a stream in pieces of %i bytes', (size) => {
  const parse = createBlockParser()
  const read: unknown[] = []
  for (let at = 0; at < bytes.length; at += size) read.push(...parse(bytes.subarray(at, at + size)))
  expect(read).toEqual(blocks)
})

it('parses a stream split at any byte', () => {
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const parse = createBlockParser()
    expect([...parse(bytes.subarray(0, cut)), ...parse(bytes.subarray(cut))], `cut at ${cut}`).toEqual(blocks)
  }
})

it('rejects an endless line', () => {
  const parse = createBlockParser()
  const piece = new Uint8Array(1_048_576).fill(97)
  expect(() => {
    for (let count = 0; count < 9; count += 1) parse(piece)
  }).toThrow(RangeError)
})
