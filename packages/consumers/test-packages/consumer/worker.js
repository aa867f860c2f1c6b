import { env } from 'cloudflare:workers'
import * as sdk from '@sotto/sdk'
import { chat } from './chat.js'

const { SOTTO_URL: url, SOTTO_TOKEN: token } = env
// All requests share this client.
const alice = sdk.createClient({ url, token }).as('alice')

// biome-ignore lint/style/noDefaultExport: Workers are default exports.
export default {
  async fetch(request) {
    const { text } = await alice.messages.send({ to: 'bob', text: await request.text() })
    return new Response(text)
  },

  async test() {
    const code = await chat(sdk, { url, token, text: 'from a Worker' })
    if (code !== 'MESSAGE_NOT_FOUND') throw new Error(`the code is ${code}`)

    const texts = ['1', '2', '3', '4']
    const answers = await Promise.all(
      texts.map((body) => env.SELF.fetch('http://worker/', { method: 'POST', body })),
    )
    const sent = await Promise.all(answers.map((answer) => answer.text()))
    if (sent.join() !== texts.join()) throw new Error(`sent ${sent}`)
  },
}
