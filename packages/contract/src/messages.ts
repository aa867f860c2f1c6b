import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-world.ts'
import { mutation, query } from './procedure.ts'
import {
  clientMessageId,
  cursor,
  emoji,
  httpUrl,
  id,
  idRef,
  instant,
  limit,
  listOf,
  messageText,
  page,
  pageSize,
  plainString,
  positiveInt,
  timestamp,
  userRef,
  whole,
} from './values.ts'

export const messageKinds = ['text', 'image', 'video'] as const
export type MessageKind = (typeof messageKinds)[number]
const kind = z.enum(messageKinds)

export const videoSources = ['youtube', 'vevo', 'vimeo', 'other'] as const
export type VideoSource = (typeof videoSources)[number]

const int = whole.nullable()

export const message = z
  .object({
    id,
    conversationId: id,
    seq: whole.meta({ description: '1 for the first message of a conversation, without gaps.' }),
    senderId: id,
    sender: z.string().meta({ description: "The sender's username." }),
    kind,
    text: z.string().nullable(),
    image: z.object({ url: z.string(), width: int, height: int, alt: z.string().nullable() }).nullable(),
    video: z
      .object({
        url: z.string(),
        source: z.enum(videoSources),
        durationSeconds: int,
        width: int,
        height: int,
      })
      .nullable(),
    clientMessageId: z.string().nullable().meta({ description: 'Shown to its sender alone.' }),
    createdAt: timestamp.meta({ description: 'Never goes back within a conversation.' }),
    editedAt: timestamp.nullable(),
    deletedAt: timestamp.nullable().meta({ description: 'When set, this is a tombstone without content.' }),
    deliveredAt: timestamp.nullable(),
    readAt: timestamp.nullable(),
    reactions: z.array(z.object({ emoji: z.string(), count: whole, byMe: z.boolean() })),
  })
  .meta({ id: 'Message' })
/** A message as one caller sees it: `clientMessageId` and `byMe` depend on who asks. */
export type Message = z.output<typeof message>

/** As bob, who received it, sees it: clientMessageId is its sender's alone. */
export const exampleMessage: Message = {
  id: exampleIds.message,
  conversationId: exampleIds.conversation,
  seq: 1,
  senderId: exampleIds.alice,
  sender: 'alice',
  kind: 'text',
  text: 'Hello, Bob!',
  image: null,
  video: null,
  clientMessageId: null,
  createdAt: exampleTimes.sent,
  editedAt: null,
  deletedAt: null,
  deliveredAt: null,
  readAt: null,
  reactions: [],
}

const image = z.strictObject({
  url: httpUrl,
  width: positiveInt.optional(),
  height: positiveInt.optional(),
  alt: plainString.max(1_000, 'takes at most 1000 characters').optional(),
})

const video = z.strictObject({
  url: httpUrl,
  source: z.enum(videoSources).optional().meta({ description: 'Read off the link when it is not given.' }),
  durationSeconds: positiveInt.optional(),
  width: positiveInt.optional(),
  height: positiveInt.optional(),
})

/** The fields that make up a message's content; `kind` may be left out, the content tells it. */
const content = {
  kind: kind.optional().meta({ description: 'Told by the content when it is not given.' }),
  text: messageText.optional().meta({ description: 'The text; the caption of an image or a video.' }),
  image: image.optional(),
  video: video.optional(),
  clientMessageId: clientMessageId.optional(),
}

interface ContentFields {
  kind?: MessageKind | undefined
  text?: string | undefined
  image?: object | undefined
  video?: object | undefined
}

/** The kind of a message that has this content. */
export function kindOf(fields: ContentFields): MessageKind {
  return fields.kind ?? (fields.image ? 'image' : fields.video ? 'video' : 'text')
}

function checkContent(fields: ContentFields, context: z.core.$RefinementCtx): void {
  const is = kindOf(fields)
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message })
  if (is === 'text' && fields.text === undefined) {
    refuse('text', fields.kind ? 'is required for kind text' : 'is required, or image, or video')
  }
  if (is === 'image' && !fields.image) refuse('image', 'is required for kind image')
  if (is === 'video' && !fields.video) refuse('video', 'is required for kind video')
  if (is !== 'image' && fields.image) refuse('image', `does not go with kind ${is}`)
  if (is !== 'video' && fields.video)
    refuse('video', `does not go with ${fields.kind ? `kind ${is}` : 'image'}`)
}

/** What is sent where the address already says to whom: `POST /v1/direct/{user}/messages`. */
export const contentFields = content
export { checkContent }

const messageId = idRef
const reaction = z.strictObject({ messageId, emoji })

const sendExample = { ...exampleMessage, clientMessageId: 'b3f7' }

export const messages = {
  send: mutation({
    summary: 'Send a message',
    description:
      'To a user (`to`) or into a conversation (`conversationId`). The first message to a user makes the conversation. FORBIDDEN where one of the two has blocked the other, and to who is no contact where the server lets contacts alone write to each other. Repeated with the same clientMessageId and content it answers the first message again, with other content IDEMPOTENCY_CONFLICT. A bare service key names the sender in `from`.',
    access: 'caller',
    limit: 'sends',
    errors: [
      'ACTOR_REQUIRED',
      'FORBIDDEN',
      'USER_NOT_FOUND',
      'CONVERSATION_NOT_FOUND',
      'IDEMPOTENCY_CONFLICT',
    ],
    // Without a clientMessageId a repeat makes a second message; the SDK always sends one.
    idempotent: true,
    http: { method: 'POST', path: '/v1/messages', status: 201, repeatedStatus: 200 },
    input: z
      .strictObject({
        to: userRef.optional(),
        conversationId: idRef.optional(),
        from: userRef.optional().meta({ description: 'The sender, named by a service key.' }),
        ...content,
      })
      .superRefine((fields, context) => {
        if ((fields.to === undefined) === (fields.conversationId === undefined)) {
          context.addIssue({
            code: 'custom',
            path: ['to'],
            message:
              fields.to === undefined ? 'is required, or conversationId' : 'does not go with conversationId',
          })
        }
        checkContent(fields, context)
      }),
    output: message,
    example: {
      as: 'alice',
      input: { to: 'bob', text: 'Hello, Bob!', clientMessageId: 'b3f7' },
      output: sendExample,
    },
  }),
  list: query({
    summary: 'List messages across conversations',
    description:
      'Newest first. A user sees their own conversations, a bare service key all. Every filter can be combined; where a rare combination would read too far, an answer can be short (even empty) and still have a nextCursor. `between` alone also takes pages.',
    access: 'caller',
    errors: ['INVALID_CURSOR', 'USER_NOT_FOUND', 'FORBIDDEN'],
    http: { method: 'GET', path: '/v1/messages', status: 200 },
    input: z
      .strictObject({
        between: z
          .tuple([userRef, userRef], 'takes two users')
          .optional()
          .meta({ description: 'The direct conversation of these two users.' }),
        sender: userRef.optional(),
        recipient: userRef.optional().meta({ description: 'Direct messages to this user.' }),
        isRead: z.boolean('takes true or false').optional().meta({
          description:
            'Read by the recipient; for a user: received and read by me, or sent and read by the other.',
        }),
        kind: kind.optional(),
        since: instant.optional().meta({ description: 'Sent at this time or later.' }),
        until: instant.optional().meta({ description: 'Sent before this time.' }),
        limit: limit.optional(),
        cursor: cursor.optional(),
        page: page.optional(),
        pageSize: pageSize.optional(),
      })
      .superRefine((fields, context) => {
        const refuse = (path: string, message: string) =>
          context.addIssue({ code: 'custom', path: [path], message })
        checkPaging(fields, context)
        if (fields.between && fields.sender !== undefined) refuse('sender', 'does not go with between')
        if (fields.between && fields.recipient !== undefined) refuse('recipient', 'does not go with between')
        if (fields.page !== undefined) {
          const filters = ['isRead', 'kind', 'since', 'until', 'sender', 'recipient'] as const
          if (!fields.between || filters.some((name) => fields[name] !== undefined)) {
            refuse('page', 'goes only with between, and with no other filter')
          }
        }
      }),
    output: listOf(message),
    example: {
      as: 'bob',
      input: { between: ['alice', 'bob'], limit: 10 },
      output: { items: [exampleMessage], nextCursor: null },
    },
  }),
  get: query({
    summary: 'Get a message',
    access: 'caller',
    errors: ['MESSAGE_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/messages/{messageId}', status: 200 },
    input: z.strictObject({ messageId }),
    output: message,
    example: { as: 'bob', input: { messageId: exampleIds.message }, output: exampleMessage },
  }),
  edit: mutation({
    summary: 'Edit a message',
    description: 'Its sender alone. Sets the text, or the caption of an image or a video.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'MESSAGE_NOT_FOUND', 'FORBIDDEN', 'MESSAGE_DELETED'],
    idempotent: true,
    http: { method: 'PATCH', path: '/v1/messages/{messageId}', status: 200 },
    input: z.strictObject({ messageId, text: messageText }),
    output: message,
    example: {
      as: 'alice',
      input: { messageId: exampleIds.message, text: 'Hello, dear Bob!' },
      output: { ...sendExample, text: 'Hello, dear Bob!', editedAt: new Date('2026-01-31T12:05:00.000Z') },
    },
  }),
  delete: mutation({
    summary: 'Delete a message',
    description: 'Its sender alone. Leaves a tombstone without content; repeating it answers the same.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'MESSAGE_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/messages/{messageId}', status: 200 },
    input: z.strictObject({ messageId }),
    output: message,
    example: {
      as: 'alice',
      input: { messageId: exampleIds.message },
      output: { ...sendExample, text: null, deletedAt: new Date('2026-01-31T12:10:00.000Z') },
    },
  }),
  like: mutation({
    summary: 'Like a message',
    description: 'The reaction 👍. Repeating it changes nothing. FORBIDDEN as a direct message would be.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'MESSAGE_NOT_FOUND', 'FORBIDDEN', 'MESSAGE_DELETED'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/messages/{messageId}/like', status: 200 },
    input: z.strictObject({ messageId }),
    output: message,
    example: {
      as: 'bob',
      input: { messageId: exampleIds.message },
      output: { ...exampleMessage, reactions: [{ emoji: '👍', count: 1, byMe: true }] },
    },
  }),
  unlike: mutation({
    summary: 'Take a like back',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'MESSAGE_NOT_FOUND', 'MESSAGE_DELETED'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/messages/{messageId}/like', status: 200 },
    input: z.strictObject({ messageId }),
    output: message,
    example: { as: 'bob', input: { messageId: exampleIds.message }, output: exampleMessage },
  }),
  react: mutation({
    summary: 'React to a message with an emoji',
    description: 'Repeating it changes nothing. FORBIDDEN as a direct message would be.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'MESSAGE_NOT_FOUND', 'FORBIDDEN', 'MESSAGE_DELETED'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/messages/{messageId}/reactions/{emoji}', status: 200 },
    input: reaction,
    output: message,
    example: {
      as: 'bob',
      input: { messageId: exampleIds.message, emoji: '🎉' },
      output: { ...exampleMessage, reactions: [{ emoji: '🎉', count: 1, byMe: true }] },
    },
  }),
  unreact: mutation({
    summary: 'Take a reaction back',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'MESSAGE_NOT_FOUND', 'MESSAGE_DELETED'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/messages/{messageId}/reactions/{emoji}', status: 200 },
    input: reaction,
    output: message,
    example: { as: 'bob', input: { messageId: exampleIds.message, emoji: '🎉' }, output: exampleMessage },
  }),
}

interface PagingFields {
  limit?: number | undefined
  cursor?: string | undefined
  page?: number | undefined
  pageSize?: number | undefined
}

/** Pages by number and cursors are two ways through the same list: one at a time. */
export function checkPaging(fields: PagingFields, context: z.core.$RefinementCtx): void {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message })
  if (fields.page !== undefined && fields.cursor !== undefined) refuse('page', 'does not go with cursor')
  if (fields.page !== undefined && fields.limit !== undefined) refuse('page', 'does not go with limit')
  if (fields.pageSize !== undefined && fields.page === undefined) refuse('pageSize', 'goes only with page')
}
