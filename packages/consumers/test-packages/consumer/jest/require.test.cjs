const { useMessages } = require('@sotto/react')
const sdk = require('@sotto/sdk')
const { chat } = require('../chat.js')

const { SOTTO_URL: url, SOTTO_TOKEN: token } = process.env

test('a test requires the packages', async () => {
  expect(await chat(sdk, { url, token, text: 'from require in Jest' })).toBe('MESSAGE_NOT_FOUND')
  expect(useMessages).toBeInstanceOf(Function)
})
