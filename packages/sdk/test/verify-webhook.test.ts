import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { verifyWebhook, WebhookVerificationError } from '../src/index.ts'

const now = new Date('2026-01-31T12:00:00.000Z')
const secret = `whsec_${randomBytes(32).toString('base64')}`
const other = `whsec_${randomBytes(32).toString('base64')}`
const body = JSON.stringify({
  type: 'message.created',
  timestamp: '2026-01-31T11:59:59.000Z',
  data: {
    id: '7',
    at: '2026-01-31T11:59:59.000Z',
    message: { text: 'Grüße 😀', createdAt: '2026-01-31T11:59:59.000Z' },
  },
})

function signed(text = body, { id = 'one', seconds = now.getTime() / 1_000, by = secret } = {}) {
  const key = Buffer.from(by.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${text}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` }
}

describe('verifyWebhook', () => {
  test('returns the event, with times as dates, for each form of headers and body', async () => {
    const at = new Date('2026-01-31T11:59:59.000Z')
    const expected = {
      id: 'one',
      type: 'message.created',
      timestamp: at,
      data: { id: '7', at, message: { text: 'Grüße 😀', createdAt: at } },
    }
    expect(await verifyWebhook(secret, signed(), body, { now })).toEqual(expected)
    expect(await verifyWebhook(secret, new Headers(signed()), body, { now })).toEqual(expected)
    expect(await verifyWebhook(secret, signed(), new TextEncoder().encode(body), { now })).toEqual(expected)
  })

  test('accepts the test vector of the Standard Webhooks libraries', async () => {
    const payload = '{"test": 2432232314}'
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    }
    const key = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const event = await verifyWebhook(key, headers, payload, { now: new Date(1_614_265_330_000) })
    expect(event).toMatchObject({ test: 2432232314 })
  })

  test('accepts any of several secrets and signatures', async () => {
    const both = `${signed(body, { by: other })['webhook-signature']} v1a,xyz ${signed()['webhook-signature']}`
    const headers = { ...signed(), 'webhook-signature': both }
    expect((await verifyWebhook(secret, headers, body, { now })).id).toBe('one')
    expect((await verifyWebhook([other, secret], signed(), body, { now })).id).toBe('one')
  })

  test.each([
    ['a different body', signed(), body.replace('😀', '😁'), /signature/],
    ['a different id', { ...signed(), 'webhook-id': 'two' }, body, /signature/],
    ['a different secret', signed(body, { by: other }), body, /signature/],
    [
      'an unknown signature version',
      { ...signed(), 'webhook-signature': signed()['webhook-signature'].replace('v1', 'v2') },
      body,
      /signature/,
    ],
    ['invalid base64', { ...signed(), 'webhook-signature': 'v1,%%%' }, body, /signature/],
    ['no signature', { ...signed(), 'webhook-signature': undefined }, body, /webhook-signature is missing/],
    ['no id', { ...signed(), 'webhook-id': '' }, body, /webhook-id is missing/],
    ['an invalid time', { ...signed(), 'webhook-timestamp': 'now' }, body, /webhook-timestamp/],
    [
      'a time too long ago',
      signed(body, { seconds: now.getTime() / 1_000 - 301 }),
      body,
      /webhook-timestamp/,
    ],
    [
      'a time in the future',
      signed(body, { seconds: now.getTime() / 1_000 + 301 }),
      body,
      /webhook-timestamp/,
    ],
  ])('rejects %s', async (_, headers, text, message) => {
    const verified = verifyWebhook(secret, headers, text, { now })
    await expect(verified).rejects.toBeInstanceOf(WebhookVerificationError)
    await expect(verified).rejects.toThrow(message)
  })

  test.each(['', 'whsec_', 'sk_abc'])('rejects the secret %j', async (wrong) => {
    await expect(verifyWebhook(wrong, signed(), body, { now })).rejects.toThrow('whsec_')
  })
})
