/**
 * Sends a message from alice to bob, and receives it in a stream and in a live conversation that stores its answer until
 * it is sent.
 *
 * @param {typeof import('@sotto/sdk')} sdk loaded in the way under test
 * @returns {Promise<string>} 'MESSAGE_NOT_FOUND', the code of an error
 */
export async function chat({ createClient, SottoError }, { url, token, text }) {
  const sotto = createClient({ url, token })
  const alice = sotto.as('alice')
  const bob = sotto.as('bob')

  const { cursor } = await bob.events.pull()
  const sent = await alice.messages.send({ to: 'bob', text })
  if (!(sent.createdAt instanceof Date)) throw new Error('dates are not decoded')
  for await (const event of bob.events({ cursor })) {
    if (event.type === 'message.created' && event.message.id === sent.id) break
  }

  let onStored
  const stored = new Promise((resolve) => {
    onStored = resolve
  })
  const live = bob.conversation('alice').live({ storage: { get() {}, set: (_, value) => onStored(value) } })
  live.send(`answer to ${text}`)
  if (!(await stored).includes(text)) throw new Error('the answer is not stored')
  await new Promise((resolve) => {
    live.subscribe(() => {
      const { messages } = live.getSnapshot()
      const answer = messages.find((message) => message.text === `answer to ${text}`)
      if (answer?.status === 'sent' && messages.some((message) => message.text === text)) resolve()
    })
  })
  live.close()

  try {
    await sotto.messages.get({ messageId: 'none' })
  } catch (error) {
    if (error instanceof SottoError) return error.code
    throw error
  }
}
