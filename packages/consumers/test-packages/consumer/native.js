import { SottoProvider, useMessages } from '@sotto/react'
import * as sdk from '@sotto/sdk'
import { chat } from './chat.js'

const { SOTTO_URL: url, SOTTO_TOKEN: token } = globalThis
globalThis.hooks = [typeof SottoProvider, typeof useMessages]
globalThis.code = chat(sdk, { url, token, text: 'from React Native' })
