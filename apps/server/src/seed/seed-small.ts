import { contract, keyScopes } from '@sotto/contract'
import type { App } from '../app/app.ts'
import type { ActorContext, CallerContext } from '../app/context.ts'
import type { Actor } from '../auth/caller.ts'
import { createUser } from '../identity/create-user.ts'
import { updateUser } from '../identity/update-user.ts'
import { deleteMessage } from '../messaging/delete-message.ts'
import { DeliveryMarks } from '../messaging/delivery-marks.ts'
import { editMessage } from '../messaging/edit-message.ts'
import { getMessage } from '../messaging/get-message.ts'
import { markRead } from '../messaging/mark-read.ts'
import { react } from '../messaging/react.ts'
import { sendMessage } from '../messaging/send-message.ts'
import { SendQueue } from '../messaging/send-queue.ts'
import { people } from '../setup/demo-people.ts'
import { Random } from './random.ts'
import { completedAt, joinedAt, lastChange, type Step, talks } from './small-world.ts'

const SEED = 1

/** What happens at one moment in one conversation. */
interface Moment {
  time: number
  talk: TalkState
  step: Step
}

interface TalkState {
  to: (person: string) => string
  /** Ids by seq, the first at 0. */
  messages: string[]
  conversationId: string
}

/**
 * Lets people of a small world write to each other, through the very use cases that requests go through, with the
 * clock and the ids of their world.
 *
 * @param progress is told how much of it has happened.
 * @param endsAt when the last of it has happened, instead of the day that it was written for.
 */
export async function seedSmallWorld(
  app: App,
  { progress = () => {}, endsAt }: { progress?: (done: number, total: number) => void; endsAt?: Date } = {},
): Promise<void> {
  const random = new Random(SEED)
  const laterMs = endsAt ? endsAt.getTime() - Date.parse(completedAt) : 0
  let time = Date.parse(joinedAt) + laterMs
  const own = {
    ...app,
    now: () => new Date(time),
    newId: () => random.id(time),
    // They know each other, whatever is asked of those who come.
    directMessages: 'everyone' as const,
    maxTextLength: Number.POSITIVE_INFINITY,
    // Nobody has signed up.
    emitBusinessEvent() {},
  }
  const world: App = { ...own, sends: new SendQueue(own) }

  for (const person of people) {
    await createUser(asKey(world), contract.users.create.input.parse(person))
  }
  const moments = allMoments()
  for (const [index, moment] of moments.entries()) {
    time = moment.time + laterMs
    await happen(world, moment)
    progress(index + 1, moments.length)
  }
  time = Date.parse(completedAt) + laterMs
  await updateUser(asKey(world), contract.users.update.input.parse(lastChange))
}

/** Every conversation at once, in the order of time. */
function allMoments(): Moment[] {
  const moments = talks.flatMap(({ between: [a, b], from, steps }) => {
    const talk: TalkState = { to: (person) => (person === a ? b : a), messages: [], conversationId: '' }
    let time = Date.parse(from)
    return steps.map((step): Moment => {
      time += step.afterMs
      return { time, talk, step }
    })
  })
  return moments.sort((one, other) => one.time - other.time)
}

async function happen(world: App, { talk, step }: Moment): Promise<void> {
  const actor = await world.identity.findActor(step.by)
  if (!actor) throw new Error(`${step.by} is gone`)
  const ctx = asUser(world, actor)
  switch (step.does) {
    case 'send': {
      const input = { to: talk.to(step.by), ...step.content }
      const message = await sendMessage(ctx, contract.messages.send.input.parse(input))
      talk.conversationId = message.conversationId
      talk.messages.push(message.id)
      return
    }
    case 'read': {
      const input = { conversationId: talk.conversationId, seq: talk.messages.length }
      await markRead(ctx, contract.conversations.read.input.parse(input))
      return
    }
    case 'receive': {
      // Marks of its own, which write when they are closed, and not a second later.
      const deliveryMarks = new DeliveryMarks(world)
      await getMessage(
        asUser({ ...world, deliveryMarks }, actor),
        contract.messages.get.input.parse({ messageId: messageId(talk) }),
      )
      await deliveryMarks.close()
      return
    }
    case 'react': {
      const input = { messageId: messageId(talk, step.seq), emoji: step.emoji }
      await react(ctx, contract.messages.react.input.parse(input))
      return
    }
    case 'edit': {
      const input = { messageId: messageId(talk, step.seq), text: step.text }
      await editMessage(ctx, contract.messages.edit.input.parse(input))
      return
    }
    case 'delete':
      await deleteMessage(ctx, contract.messages.delete.input.parse({ messageId: messageId(talk, step.seq) }))
  }
}

function messageId(talk: TalkState, seq = talk.messages.length): string {
  const id = talk.messages[seq - 1]
  if (id === undefined) throw new Error(`there is no message ${seq} yet`)
  return id
}

function asKey(app: App): CallerContext {
  return contextOf(app, undefined)
}

function asUser(app: App, actor: Actor): ActorContext {
  return contextOf(app, actor)
}

function contextOf<For extends Actor | undefined>(app: App, actor: For): CallerContext & { actor: For } {
  return {
    app,
    caller: { kind: 'key', keyId: 'seed', scopes: new Set(keyScopes), actor },
    actor,
    requestId: 'seed',
    transport: 'command',
    address: null,
    userAgent: null,
    outcome: { repeated: false },
  }
}
