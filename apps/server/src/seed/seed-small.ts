import { contract, keyScopes } from '@sotto/contract'
import type { App } from '../app/app.ts'
import type { ActorContext, CallerContext } from '../app/context.ts'
import type { Actor } from '../auth/caller.ts'
import { createUser } from '../identity/create-user.ts'
import { updateUser } from '../identity/update-user.ts'
import { deleteMessage } from '../messaging/delete-message.ts'
import { DeliveryMarks } from '../messaging/delivery-marks.ts'
import { editMessage } from '../messaging/edit-message.ts'
import { listMessagesOfConversation } from '../messaging/list-conversation-messages.ts'
import { markRead } from '../messaging/mark-read.ts'
import { react } from '../messaging/react.ts'
import { sendMessage } from '../messaging/send-message.ts'
import { SendQueue } from '../messaging/send-queue.ts'
import { demoUsers } from '../setup/demo-users.ts'
import { Random } from './random.ts'
import { completedAt, joinedAt, lastChange, type Step, scripts } from './small-data.ts'

const SEED = 1

/** One step of a script, at its time. */
interface ScheduledStep {
  time: number
  conversation: ConversationState
  step: Step
}

interface ConversationState {
  otherThan: (username: string) => string
  /** Message ids; seq 1 is at index 0. */
  messages: string[]
  conversationId: string
}

/**
 * Seeds the small data set by calling the use cases, with a simulated clock and seeded ids.
 *
 * @param progress called with the number of steps done so far
 * @param endsAt the time of the last change; by default, the time in the data.
 */
export async function seedSmallData(
  app: App,
  { progress = () => {}, endsAt }: { progress?: (done: number, total: number) => void; endsAt?: Date } = {},
): Promise<void> {
  const random = new Random(SEED)
  const offsetMs = endsAt ? endsAt.getTime() - Date.parse(completedAt) : 0
  let time = Date.parse(joinedAt) + offsetMs
  const overrides = {
    ...app,
    now: () => new Date(time),
    newId: () => random.id(time),
    // The settings of the server do not restrict the script.
    directMessages: 'everyone' as const,
    maxTextLength: Number.POSITIVE_INFINITY,
    // Sample users are not sign-ups.
    emitBusinessEvent() {},
  }
  const simulated: App = { ...overrides, sends: new SendQueue(overrides) }

  for (const user of demoUsers) {
    await createUser(asKey(simulated), contract.users.create.input.parse(user))
  }
  const steps = scheduleSteps()
  for (const [index, step] of steps.entries()) {
    time = step.time + offsetMs
    await perform(simulated, step)
    progress(index + 1, steps.length)
  }
  time = Date.parse(completedAt) + offsetMs
  await updateUser(asKey(simulated), contract.users.update.input.parse(lastChange))
}

/** The steps of all scripts, in chronological order. */
function scheduleSteps(): ScheduledStep[] {
  const scheduled = scripts.flatMap(({ between: [a, b], from, steps }) => {
    const conversation: ConversationState = {
      otherThan: (username) => (username === a ? b : a),
      messages: [],
      conversationId: '',
    }
    let time = Date.parse(from)
    return steps.map((step): ScheduledStep => {
      time += step.afterMs
      return { time, conversation, step }
    })
  })
  return scheduled.sort((one, other) => one.time - other.time)
}

async function perform(app: App, { conversation, step }: ScheduledStep): Promise<void> {
  const actor = await app.identity.findActor(step.by)
  if (!actor) throw new Error(`user ${step.by} not found`)
  const ctx = asUser(app, actor)
  switch (step.does) {
    case 'send': {
      const input = { to: conversation.otherThan(step.by), ...step.content }
      const message = await sendMessage(ctx, contract.messages.send.input.parse(input))
      conversation.conversationId = message.conversationId
      conversation.messages.push(message.id)
      return
    }
    case 'read': {
      const input = { conversationId: conversation.conversationId, seq: conversation.messages.length }
      await markRead(ctx, contract.conversations.read.input.parse(input))
      return
    }
    case 'receive': {
      // A separate instance, so that closing it writes the marks immediately.
      const deliveryMarks = new DeliveryMarks(app)
      await listMessagesOfConversation(
        asUser({ ...app, deliveryMarks }, actor),
        contract.conversations.messages.input.parse({
          conversationId: conversation.conversationId,
          limit: 1,
        }),
      )
      await deliveryMarks.close()
      return
    }
    case 'react': {
      const input = { messageId: messageIdOf(conversation, step.seq), emoji: step.emoji }
      await react(ctx, contract.messages.react.input.parse(input))
      return
    }
    case 'edit': {
      const input = { messageId: messageIdOf(conversation, step.seq), text: step.text }
      await editMessage(ctx, contract.messages.edit.input.parse(input))
      return
    }
    case 'delete': {
      const input = { messageId: messageIdOf(conversation, step.seq) }
      await deleteMessage(ctx, contract.messages.delete.input.parse(input))
    }
  }
}

function messageIdOf({ messages }: ConversationState, seq = messages.length): string {
  const id = messages[seq - 1]
  if (id === undefined) throw new Error(`message ${seq} does not exist yet`)
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
