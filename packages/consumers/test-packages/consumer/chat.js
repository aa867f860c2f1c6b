/**
 * Sends a message from alice to bob, and receives it in a stream and in a live conversation.
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

  const live = bob.conversation('alice').live()
  await new Promise((resolve) => {
    live.subscribe(() => {
      if (live.getSnapshot().messages.some((message) => message.text === text)) resolve()
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
