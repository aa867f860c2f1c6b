import { useMessages } from '@sotto/react'
import * as sdk from '@sotto/sdk'
import { chat } from '../chat.js'

const { SOTTO_URL: url, SOTTO_TOKEN: token } = process.env

test('a test imports the packages', async () => {
  expect(await chat(sdk, { url, token, text: 'from an import in Jest' })).toBe('MESSAGE_NOT_FOUND')
  expect(useMessages).toBeInstanceOf(Function)
})
