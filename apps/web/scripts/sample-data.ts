import type { SottoClient } from '@sotto/sdk'

/** The messages of a sample group: sender, text and reactions. */
const MESSAGES: readonly [sender: string, text: string, ...reactions: [reactor: string, emoji: string][]][] =
  [
    ['amira', 'The house is ours from Friday 🎉', ['sofia', '❤️'], ['mei', '❤️']],
    [
      'jonas',
      'I can take three people in the car, and the canoe if someone holds it.',
      ['amira', '😂'],
      ['mei', '😂'],
    ],
    ['sofia', '¡Yo llevo la paella!', ['amira', '😋'], ['noam', '😋'], ['jonas', '😋']],
    ['mei', '我带茶和桌游。'],
    ['noam', 'אני מביא קפה ☕️', ['sofia', '👍']],
    ['sofia', 'What about breakfast?'],
    ['amira', 'Bread and eggs come from the farm next door, they open at seven.'],
    ['amira', 'See you all at the station at 16:40, platform 3.', ['jonas', '👍'], ['mei', '👍']],
  ]

/** Adds the data for the screenshots to a seeded server. @returns the id of the group */
export async function addSampleData(sotto: SottoClient): Promise<string> {
  const amira = sotto.as('amira')
  const { id: conversationId } = await amira.conversations.create({
    name: 'Lake house weekend',
    participants: ['jonas', 'sofia', 'mei', 'noam'],
  })
  for (const [sender, text, ...reactions] of MESSAGES) {
    const { id: messageId } = await sotto.as(sender).messages.send({ conversationId, text })
    for (const [reactor, emoji] of reactions) await sotto.as(reactor).messages.react({ messageId, emoji })
  }
  for (const reader of ['amira', 'mei', 'jonas']) {
    await sotto.as(reader).conversation({ conversationId }).markRead()
  }
  await sotto.as('kofi').messages.send({ to: 'amira', text: 'Are the plans for the kitchen final?' })
  await sotto.as('kofi').messages.send({ to: 'amira', text: 'I could order the tiles today.' })
  await sotto.as('hana').contacts.add({ user: 'amira' })
  await amira.contacts.add({ user: 'jonas' })
  await sotto.as('jonas').contacts.add({ user: 'amira' })
  await amira.contacts.add({ user: 'priya' })
  return conversationId
}
