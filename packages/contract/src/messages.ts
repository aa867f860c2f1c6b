import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-data.ts'
import { mutation, query } from './procedure.ts'
import {
  clientMessageId,
  cursor,
  emoji,
  httpUrl,
  id,
  idRef,
  instant,
  integer,
  limit,
  listOf,
  messageText,
  page,
  pageSize,
  plainString,
  positiveInt,
  timestamp,
  userRef,
} from './values.ts'

export const messageKinds = ['text', 'image', 'video'] as const
export type MessageKind = (typeof messageKinds)[number]
const kind = z.enum(messageKinds)

export const videoSources = ['youtube', 'vevo', 'vimeo', 'other'] as const
export type VideoSource = (typeof videoSources)[number]

const nullableInteger = integer.nullable()

export const message = z
  .object({
    id,
    conversationId: id,
    seq: integer.meta({
      description: 'The number of the message in its conversation: 1, 2, 3 … without gaps.',
    }),
    senderId: id,
    sender: z.string().meta({ description: "The sender's username." }),
    kind,
    text: z.string().nullable(),
    image: z
      .object({
        url: z.string(),
        width: nullableInteger,
        height: nullableInteger,
        alt: z.string().nullable(),
      })
      .nullable(),
    video: z
      .object({
        url: z.string(),
        source: z.enum(videoSources),
        durationSeconds: nullableInteger,
        width: nullableInteger,
        height: nullableInteger,
      })
      .nullable(),
    clientMessageId: z.string().nullable().meta({ description: 'Returned only to the sender.' }),
    createdAt: timestamp.meta({ description: 'Never decreases within a conversation.' }),
    editedAt: timestamp.nullable(),
    deletedAt: timestamp
      .nullable()
      .meta({ description: 'If set, the message is a tombstone without content.' }),
    deliveredAt: timestamp.nullable(),
    readAt: timestamp.nullable(),
    reactions: z.array(z.object({ emoji: z.string(), count: integer, byMe: z.boolean() })),
  })
  .meta({ id: 'Message' })
/** A message as one caller sees it: `clientMessageId` and `byMe` depend on the caller. */
export type Message = z.output<typeof message>

/** As bob, the recipient, sees it: only the sender sees clientMessageId. */
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
  alt: plainString.max(1_000, 'must be at most 1,000 characters').optional(),
})

const video = z.strictObject({
  url: httpUrl,
  source: z.enum(videoSources).optional().meta({ description: 'Derived from the URL if omitted.' }),
  durationSeconds: positiveInt.optional(),
  width: positiveInt.optional(),
  height: positiveInt.optional(),
})

/** The input fields for the content of a message. `kind` can be derived from the others. */
const content = {
  kind: kind.optional().meta({ description: 'Derived from the content if omitted.' }),
  text: messageText
    .optional()
    .meta({ description: 'The text of the message, or the caption of an image or video.' }),
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

/** The kind of a message with this content. */
export function kindOf(fields: ContentFields): MessageKind {
  return fields.kind ?? (fields.image ? 'image' : fields.video ? 'video' : 'text')
}

function checkContent(fields: ContentFields, context: z.core.$RefinementCtx): void {
  const contentKind = kindOf(fields)
  const addIssue = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message })
  if (contentKind === 'text' && fields.text === undefined) {
    addIssue('text', fields.kind ? 'is required for kind text' : 'is required unless image or video is given')
  }
  if (contentKind === 'image' && !fields.image) addIssue('image', 'is required for kind image')
  if (contentKind === 'video' && !fields.video) addIssue('video', 'is required for kind video')
  if (contentKind !== 'image' && fields.image)
    addIssue('image', `cannot be combined with kind ${contentKind}`)
  if (contentKind !== 'video' && fields.video)
    addIssue('video', `cannot be combined with ${fields.kind ? `kind ${contentKind}` : 'image'}`)
}

/** For sends whose path names the recipient: `POST /v1/direct/{user}/messages`. */
export const contentFields = content
export { checkContent }

const messageId = idRef
const reaction = z.strictObject({ messageId, emoji })

const sendExample = { ...exampleMessage, clientMessageId: 'b3f7' }

export const messages = {
  send: mutation({
    summary: 'Send a message',
    description:
      'Sends to a user (`to`) or to a conversation (`conversationId`). The first message to a user creates the direct conversation. FORBIDDEN if either user has blocked the other, or if the server only allows messages between contacts. Repeating a send with the same clientMessageId and content returns the first message; with different content it is an IDEMPOTENCY_CONFLICT. A bare key names the sender in `from`.',
    access: 'caller',
    limit: 'sends',
    errors: [
      'ACTOR_REQUIRED',
      'FORBIDDEN',
      'USER_NOT_FOUND',
      'CONVERSATION_NOT_FOUND',
      'IDEMPOTENCY_CONFLICT',
    ],
    // Only with a clientMessageId, which the SDK always sends: otherwise a repeated call creates a second message.
    idempotent: true,
    http: { method: 'POST', path: '/v1/messages', status: 201, repeatedStatus: 200 },
    input: z
      .strictObject({
        to: userRef.optional(),
        conversationId: idRef.optional(),
        from: userRef.optional().meta({ description: 'The sender. Only for bare keys.' }),
        ...content,
      })
      .superRefine((fields, context) => {
        if ((fields.to === undefined) === (fields.conversationId === undefined)) {
          context.addIssue({
            code: 'custom',
            path: ['to'],
            message:
              fields.to === undefined
                ? 'is required unless conversationId is given'
                : 'cannot be combined with conversationId',
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
      'Newest first. Users see messages from their own conversations, and a bare key sees all. All filters can be combined. If few messages match, a page can be short or even empty and still have a nextCursor. Page numbers are only supported with `between` and no other filter.',
    access: 'caller',
    errors: ['INVALID_CURSOR', 'USER_NOT_FOUND', 'FORBIDDEN'],
    http: { method: 'GET', path: '/v1/messages', status: 200 },
    input: z
      .strictObject({
        between: z
          .tuple([userRef, userRef], 'must be two users')
          .optional()
          .meta({ description: 'Messages in the direct conversation between these two users.' }),
        sender: userRef.optional(),
        recipient: userRef.optional().meta({ description: 'Direct messages to this user.' }),
        isRead: z.boolean('must be true or false').optional().meta({
          description:
            'Whether the recipient has read the message. For a user, received messages they have read and sent messages the other user has read.',
        }),
        kind: kind.optional(),
        since: instant.optional().meta({ description: 'Sent at or after this time.' }),
        until: instant.optional().meta({ description: 'Sent before this time.' }),
        limit: limit.optional(),
        cursor: cursor.optional(),
        page: page.optional(),
        pageSize: pageSize.optional(),
      })
      .superRefine((fields, context) => {
        const addIssue = (path: string, message: string) =>
          context.addIssue({ code: 'custom', path: [path], message })
        checkPaging(fields, context)
        if (fields.between && fields.sender !== undefined)
          addIssue('sender', 'cannot be combined with between')
        if (fields.between && fields.recipient !== undefined)
          addIssue('recipient', 'cannot be combined with between')
        if (fields.page !== undefined) {
          const filters = ['isRead', 'kind', 'since', 'until', 'sender', 'recipient'] as const
          if (!fields.between || filters.some((name) => fields[name] !== undefined)) {
            addIssue('page', 'cannot be used without between or with other filters')
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
    description: 'The message in its current state. Deleted messages have neither text nor media.',
    access: 'caller',
    errors: ['MESSAGE_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/messages/{messageId}', status: 200 },
    input: z.strictObject({ messageId }),
    output: message,
    example: { as: 'bob', input: { messageId: exampleIds.message }, output: exampleMessage },
  }),
  edit: mutation({
    summary: 'Edit a message',
    description:
      'Replaces the text, or the caption of an image or video. FORBIDDEN unless the caller is the sender.',
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
    description:
      'Leaves a tombstone without content. Repeating the call returns the same tombstone. FORBIDDEN unless the caller is the sender.',
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
    description:
      'Adds the reaction 👍. Repeating the call has no effect. FORBIDDEN if the actor cannot message the other user.',
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
    summary: 'Unlike a message',
    description: "Removes the actor's like, if there is one. Returns the message.",
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'MESSAGE_NOT_FOUND', 'MESSAGE_DELETED'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/messages/{messageId}/like', status: 200 },
    input: z.strictObject({ messageId }),
    output: message,
    example: { as: 'bob', input: { messageId: exampleIds.message }, output: exampleMessage },
  }),
  react: mutation({
    summary: 'Add a reaction',
    description: 'Repeating the call has no effect. FORBIDDEN if the actor cannot message the other user.',
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
    summary: 'Remove a reaction',
    description: "Removes the actor's reaction with this emoji, if there is one. Returns the message.",
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

/** Page numbers and cursors are alternatives. */
export function checkPaging(fields: PagingFields, context: z.core.$RefinementCtx): void {
  const addIssue = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message })
  if (fields.page !== undefined && fields.cursor !== undefined)
    addIssue('page', 'cannot be combined with cursor')
  if (fields.page !== undefined && fields.limit !== undefined)
    addIssue('page', 'cannot be combined with limit')
  if (fields.pageSize !== undefined && fields.page === undefined)
    addIssue('pageSize', 'cannot be used without page')
}
