// Made from the contract by `pnpm --filter @sotto/sdk generate`; a test compares them.
import type { OperationsOf } from './operation.ts'

/** What the client has to know of each operation at run time, without any of the schemas. */
export const operations = {
  users: {
    /**
     * Create a user.
     *
     * With a service key, or by anyone when sign-up is open, or with an invitation where it needs one (a
     * password is then required). A user without a password can only be acted for by a service key.
     *
     * REST: `POST /v1/users`
     */
    create: { kind: 'mutation', idempotent: false, list: false },
    /**
     * List users.
     *
     * By username, ascending.
     *
     * REST: `GET /v1/users`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Get a user.
     *
     * REST: `GET /v1/users/{user}`
     */
    get: { kind: 'query', idempotent: true, list: false },
    /**
     * Change a user's profile.
     *
     * With a bare service key, or by the user. What is left out stays; null empties a field.
     *
     * REST: `PATCH /v1/users/{user}`
     */
    update: { kind: 'mutation', idempotent: true, list: false },
    /**
     * List who has exchanged direct messages with a user.
     *
     * One item for each other user, latest message first. The counts are of messages ever sent, deleted
     * ones included.
     *
     * REST: `GET /v1/users/{user}/correspondents`
     */
    correspondents: { kind: 'query', idempotent: true, list: true },
    /**
     * See whether a user is online.
     *
     * Online is who has a stream open. Told to those who share a conversation with the user, unless one of
     * the two has blocked the other; to others the user was never seen.
     *
     * REST: `GET /v1/users/{user}/presence`
     */
    presence: { kind: 'query', idempotent: true, list: false },
    /**
     * Who am I.
     *
     * The user whom the request acts for.
     *
     * REST: `GET /v1/me`
     */
    me: { kind: 'query', idempotent: true, list: false },
    /**
     * See a user's account.
     *
     * Role, whether the user is disabled, and whether there is a second factor.
     *
     * REST: `GET /v1/users/{user}/account`
     */
    account: { kind: 'query', idempotent: true, list: false },
    /**
     * Make a user an admin, or no longer one.
     *
     * An admin may do what is for admins. In conversations they have the rights of every user; they can
     * look into all of them, which the audit tells, and export what there is of a user.
     *
     * REST: `PUT /v1/users/{user}/role`
     */
    setRole: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Disable a user, or enable them again.
     *
     * A disabled user cannot log in, and what they are logged in with ends within two seconds. Everything
     * they said stays; enabled again, they go on with the sessions they had.
     *
     * REST: `PUT /v1/users/{user}/disabled`
     */
    setDisabled: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Export everything of a user.
     *
     * The profile, sessions, contacts, blocks, conversations, every message that the user has sent or may
     * read, reactions and receipts, in this order. Asked for by the user, a bare service key, or an admin,
     * and written into the audit. Over HTTP with `Accept: application/x-ndjson` it is all of it, one line
     * of JSON after the other. Every line has a cursor: whatever breaks off goes on after the last line
     * that came.
     *
     * REST: `GET /v1/users/{user}/export`
     */
    export: { kind: 'query', idempotent: true, list: true },
    /**
     * Erase a user.
     *
     * By the user, a bare service key, or an admin. There is no way back. With the answer nobody can log in
     * as the user or act for them any more, their streams end within two seconds, and the username and the
     * email address are free. What they have said and done goes within minutes, also when the server stops
     * meanwhile: others keep tombstones by `erased-…`, and are told of each by `message.deleted`. The audit
     * says when it was asked for (`user.erase_accepted`) and done (`user.erased`).
     *
     * REST: `DELETE /v1/users/{user}`
     */
    erase: { kind: 'mutation', idempotent: true, list: false },
  },
  sessions: {
    /**
     * Log in.
     *
     * Answers a token for the Authorization header. Unknown user, wrong password and disabled user answer
     * alike. Who has a second factor gives a code or a recovery code as well; where the password is right
     * and neither is there, it is SECOND_FACTOR_REQUIRED. With `cookie`, for web pages, the token goes into
     * the cookie `__Host-sotto` instead, which scripts cannot read and which counts only for pages of this
     * server and of the origins that it allows; others are FORBIDDEN.
     *
     * REST: `POST /v1/sessions`
     */
    create: { kind: 'mutation', idempotent: false, list: false },
    /**
     * List where one is logged in.
     *
     * One's own sessions that have not ended, newest first.
     *
     * REST: `GET /v1/sessions`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Log out.
     *
     * Ends the session whose token the request carries.
     *
     * REST: `DELETE /v1/sessions/current`
     */
    end: { kind: 'mutation', idempotent: false, list: false },
    /**
     * End one of one's sessions.
     *
     * At once on this server, within a second on others; its streams end within two.
     *
     * REST: `DELETE /v1/sessions/{sessionId}`
     */
    revoke: { kind: 'mutation', idempotent: false, list: false },
    /**
     * List where a user is logged in.
     *
     * Their sessions that have not ended, newest first.
     *
     * REST: `GET /v1/users/{user}/sessions`
     */
    listOf: { kind: 'query', idempotent: true, list: true },
    /**
     * Log a user out everywhere.
     *
     * For one whose device is lost. At once on this server, within a second on others; their streams end
     * within two.
     *
     * REST: `DELETE /v1/users/{user}/sessions`
     */
    endAllOf: { kind: 'mutation', idempotent: true, list: false },
  },
  passwords: {
    /**
     * Change a password.
     *
     * One's own, with the one that one has; or anybody's, with a bare service key (an admin's with one that
     * has the scope admin). Ends every other session of the user.
     *
     * REST: `PUT /v1/users/{user}/password`
     */
    set: { kind: 'mutation', idempotent: false, list: false },
    /**
     * Make a token that sets a user's password.
     *
     * For one who has forgotten theirs: hand it to them. It is told this once, can be used once within an
     * hour, and takes the place of the one before it.
     *
     * REST: `POST /v1/users/{user}/password-reset`
     */
    issueReset: { kind: 'mutation', idempotent: false, list: false },
    /**
     * Set a password with a token.
     *
     * Ends every session of the user. A second factor stays on.
     *
     * REST: `POST /v1/password-resets`
     */
    reset: { kind: 'mutation', idempotent: false, list: false },
  },
  totp: {
    /**
     * Start a second factor.
     *
     * Answers what an authenticator app has to know, this once; it is not asked for before it is confirmed.
     * Starting again replaces what was not confirmed. A server on PostgreSQL needs the setting SOTTO_SECRET
     * for it, and is UNAVAILABLE here without.
     *
     * REST: `POST /v1/me/totp`
     */
    start: { kind: 'mutation', idempotent: false, list: false },
    /**
     * Turn the second factor on.
     *
     * With a first code, which shows that the app has the secret. Answers ten recovery codes, this once:
     * each stands in for a code once. From now on a password alone logs nobody in, over basic
     * authentication neither.
     *
     * REST: `POST /v1/me/totp/confirm`
     */
    confirm: { kind: 'mutation', idempotent: false, list: false },
    /**
     * Turn the second factor off.
     *
     * With a code, or with a recovery code.
     *
     * REST: `POST /v1/me/totp/disable`
     */
    disable: { kind: 'mutation', idempotent: false, list: false },
    /**
     * Turn a user's second factor off.
     *
     * For one who has lost their device and their recovery codes.
     *
     * REST: `DELETE /v1/users/{user}/totp`
     */
    remove: { kind: 'mutation', idempotent: true, list: false },
  },
  invitations: {
    /**
     * Invite.
     *
     * Answers a token, this once, with which somebody makes a user where SOTTO_SIGNUP is `invitation`.
     *
     * REST: `POST /v1/invitations`
     */
    create: { kind: 'mutation', idempotent: false, list: false },
    /**
     * List invitations.
     *
     * Newest first, also those that are used up or have expired; never their tokens.
     *
     * REST: `GET /v1/invitations`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Take an invitation back.
     *
     * Who has signed up with it stays.
     *
     * REST: `DELETE /v1/invitations/{invitationId}`
     */
    revoke: { kind: 'mutation', idempotent: false, list: false },
  },
  messages: {
    /**
     * Send a message.
     *
     * To a user (`to`) or into a conversation (`conversationId`). The first message to a user makes the
     * conversation. FORBIDDEN where one of the two has blocked the other, and to who is no contact where
     * the server lets contacts alone write to each other. Repeated with the same clientMessageId and
     * content it answers the first message again, with other content IDEMPOTENCY_CONFLICT. A bare service
     * key names the sender in `from`.
     *
     * REST: `POST /v1/messages`
     */
    send: { kind: 'mutation', idempotent: true, list: false },
    /**
     * List messages across conversations.
     *
     * Newest first. A user sees their own conversations, a bare service key all. Every filter can be
     * combined; where a rare combination would read too far, an answer can be short (even empty) and still
     * have a nextCursor. `between` alone also takes pages.
     *
     * REST: `GET /v1/messages`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Get a message.
     *
     * REST: `GET /v1/messages/{messageId}`
     */
    get: { kind: 'query', idempotent: true, list: false },
    /**
     * Edit a message.
     *
     * Its sender alone. Sets the text, or the caption of an image or a video.
     *
     * REST: `PATCH /v1/messages/{messageId}`
     */
    edit: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Delete a message.
     *
     * Its sender alone. Leaves a tombstone without content; repeating it answers the same.
     *
     * REST: `DELETE /v1/messages/{messageId}`
     */
    delete: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Like a message.
     *
     * The reaction 👍. Repeating it changes nothing. FORBIDDEN as a direct message would be.
     *
     * REST: `PUT /v1/messages/{messageId}/like`
     */
    like: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Take a like back.
     *
     * REST: `DELETE /v1/messages/{messageId}/like`
     */
    unlike: { kind: 'mutation', idempotent: true, list: false },
    /**
     * React to a message with an emoji.
     *
     * Repeating it changes nothing. FORBIDDEN as a direct message would be.
     *
     * REST: `PUT /v1/messages/{messageId}/reactions/{emoji}`
     */
    react: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Take a reaction back.
     *
     * REST: `DELETE /v1/messages/{messageId}/reactions/{emoji}`
     */
    unreact: { kind: 'mutation', idempotent: true, list: false },
  },
  conversations: {
    /**
     * The inbox.
     *
     * The actor's conversations, latest activity first.
     *
     * REST: `GET /v1/conversations`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Get a conversation.
     *
     * REST: `GET /v1/conversations/{conversationId}`
     */
    get: { kind: 'query', idempotent: true, list: false },
    /**
     * Create a group.
     *
     * The actor becomes its owner. Everybody in it sees what is said from when they joined until they
     * leave.
     *
     * REST: `POST /v1/conversations`
     */
    create: { kind: 'mutation', idempotent: false, list: false },
    /**
     * Rename a group.
     *
     * With a bare service key, or by the group's owner or an admin of it.
     *
     * REST: `PATCH /v1/conversations/{conversationId}`
     */
    update: { kind: 'mutation', idempotent: true, list: false },
    /**
     * See how far everybody has come.
     *
     * One item for each participant: how far they have had and read the messages. `deliveredAt` and
     * `readAt` are when they had and read the message `seq`, or the last one; null for its sender.
     *
     * REST: `GET /v1/conversations/{conversationId}/receipts`
     */
    receipts: { kind: 'query', idempotent: true, list: true },
    /**
     * List a conversation's messages.
     *
     * Newest first; with `after` or `since` oldest first. Page 10,000 costs what page 1 costs, and any date
     * what today costs. Whoever has left a group still reads what was said while they were in it.
     *
     * REST: `GET /v1/conversations/{conversationId}/messages`
     */
    messages: { kind: 'query', idempotent: true, list: true },
    /**
     * Mark messages as read.
     *
     * All up to and including `seq`. Never moves back; beyond the last message is INVALID_INPUT.
     *
     * REST: `POST /v1/conversations/{conversationId}/read`
     */
    read: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Say that one is typing.
     *
     * Tells the others who stream, for at most 10 s; say it again while it lasts. Never kept.
     *
     * REST: `POST /v1/conversations/{conversationId}/typing`
     */
    typing: { kind: 'mutation', idempotent: true, list: false },
  },
  participants: {
    /**
     * List the participants of a conversation.
     *
     * In the order in which their users were made.
     *
     * REST: `GET /v1/conversations/{conversationId}/participants`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Add somebody to a group, or change their role.
     *
     * The owner and the admins of the group add members; the owner alone makes admins, and hands the group
     * over by making another one the owner, who was it before is an admin then. A bare service key does all
     * of it. Without a role a newcomer is a member, and who is in the group keeps theirs.
     *
     * REST: `PUT /v1/conversations/{conversationId}/participants/{user}`
     */
    set: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Remove somebody from a group, or leave it.
     *
     * Everybody may leave: when the owner does, the admin, or else the member, who has been in it for
     * longest becomes the owner. Admins remove members, the owner and a bare service key remove anybody.
     * Who is not in the group is removed already.
     *
     * REST: `DELETE /v1/conversations/{conversationId}/participants/{user}`
     */
    remove: { kind: 'mutation', idempotent: true, list: false },
  },
  direct: {
    /**
     * Get the direct conversation with a user.
     *
     * CONVERSATION_NOT_FOUND before the first message.
     *
     * REST: `GET /v1/direct/{user}`
     */
    get: { kind: 'query', idempotent: true, list: false },
    /**
     * List the messages with a user.
     *
     * Newest first; with `after` or `since` oldest first. Empty before the first message.
     *
     * REST: `GET /v1/direct/{user}/messages`
     */
    messages: { kind: 'query', idempotent: true, list: true },
    /**
     * Send a message to a user.
     *
     * As POST /v1/messages with `to`.
     *
     * REST: `POST /v1/direct/{user}/messages`
     */
    send: { kind: 'mutation', idempotent: true, list: false },
  },
  contacts: {
    /**
     * List contacts.
     *
     * The actor's contacts, or requests that wait for an answer, newest first.
     *
     * REST: `GET /v1/contacts`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Ask for a contact, or accept.
     *
     * Asks the user, or accepts when they have asked; two who ask each other are contacts. Repeating it
     * changes nothing. FORBIDDEN where one of the two has blocked the other.
     *
     * REST: `PUT /v1/contacts/{user}`
     */
    add: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Refuse, withdraw or remove a contact.
     *
     * Ends what there is. Refusing tells the one who asked nothing: to them the request stays outgoing,
     * until they withdraw it or the user asks them. Who is no contact is removed already.
     *
     * REST: `DELETE /v1/contacts/{user}`
     */
    remove: { kind: 'mutation', idempotent: true, list: false },
  },
  blocks: {
    /**
     * List blocked users.
     *
     * Whom the actor has blocked, newest first. Nobody is told who has blocked them.
     *
     * REST: `GET /v1/blocks`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Block a user.
     *
     * From the answer on neither writes or reacts to the other in their direct conversation, asks for a
     * contact or adds the other to a group, nor sees when the other is online or typing. Ends a contact,
     * and refuses a request. Old messages stay, and their senders may still edit and delete them; groups
     * that both are in go on. Repeating it changes nothing.
     *
     * REST: `PUT /v1/blocks/{user}`
     */
    add: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Unblock a user.
     *
     * A contact that the block has ended does not come back. Who is not blocked is unblocked already.
     *
     * REST: `DELETE /v1/blocks/{user}`
     */
    remove: { kind: 'mutation', idempotent: true, list: false },
  },
  events: {
    /**
     * Pull events.
     *
     * For those who cannot stream: answers what came after the cursor, waiting for the first up to `wait`
     * seconds. Without a cursor it answers the present one.
     *
     * REST: `GET /v1/events/pull`
     */
    pull: { kind: 'query', idempotent: true, list: false },
  },
  keys: {
    /**
     * Make a service key.
     *
     * The key is in this answer and nowhere else: it is kept hashed. A key can make no key that may do more
     * than itself.
     *
     * REST: `POST /v1/keys`
     */
    create: { kind: 'mutation', idempotent: false, list: false },
    /**
     * List service keys.
     *
     * Newest first, with those that were revoked or have expired. The key of the settings
     * (SOTTO_SERVICE_KEY) is not among them.
     *
     * REST: `GET /v1/keys`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Revoke a service key.
     *
     * It is not valid from then on, and streams that it opened end; another server notices within a second.
     * Repeating it changes nothing.
     *
     * REST: `DELETE /v1/keys/{keyId}`
     */
    revoke: { kind: 'mutation', idempotent: true, list: false },
  },
  webhooks: {
    /**
     * Make a webhook.
     *
     * From now on events are sent to the URL, signed with the secret, which is in this answer and nowhere
     * else. There are at most 20. UNAVAILABLE: the server has no SOTTO_SECRET to keep the secret with.
     *
     * REST: `POST /v1/webhooks`
     */
    create: { kind: 'mutation', idempotent: false, list: false },
    /**
     * List webhooks.
     *
     * Newest first.
     *
     * REST: `GET /v1/webhooks`
     */
    list: { kind: 'query', idempotent: true, list: true },
    /**
     * Get a webhook.
     *
     * REST: `GET /v1/webhooks/{webhookId}`
     */
    get: { kind: 'query', idempotent: true, list: false },
    /**
     * Change a webhook.
     *
     * While it is disabled nothing is sent: what happens then is not told later, and what was to be sent
     * waits until it is enabled, for up to 30 days.
     *
     * REST: `PATCH /v1/webhooks/{webhookId}`
     */
    update: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Delete a webhook.
     *
     * With all of its deliveries. What is being sent at the moment still arrives.
     *
     * REST: `DELETE /v1/webhooks/{webhookId}`
     */
    delete: { kind: 'mutation', idempotent: false, list: false },
    /**
     * Replace a webhook's secret.
     *
     * The new one is in this answer and nowhere else. For 24 hours deliveries are signed with both, so that
     * the receiver can change over without a gap.
     *
     * REST: `POST /v1/webhooks/{webhookId}/rotate-secret`
     */
    rotateSecret: { kind: 'mutation', idempotent: false, list: false },
    /**
     * Test a webhook.
     *
     * Sends it a `webhook.test`, whatever types it has asked for. It must be enabled.
     *
     * REST: `POST /v1/webhooks/{webhookId}/test`
     */
    test: { kind: 'mutation', idempotent: false, list: false },
    /**
     * List a webhook's deliveries.
     *
     * Newest first. What was delivered is listed for 7 days after it was made, what has failed for 30.
     *
     * REST: `GET /v1/webhooks/{webhookId}/deliveries`
     */
    deliveries: { kind: 'query', idempotent: true, list: true },
    /**
     * Send a delivery again.
     *
     * Now, and as if it were new: with the same id, and as often as a new one is tried.
     *
     * REST: `POST /v1/webhooks/{webhookId}/deliveries/{deliveryId}/retry`
     */
    retryDelivery: { kind: 'mutation', idempotent: false, list: false },
  },
  audit: {
    /**
     * Read the audit.
     *
     * What was done by privilege, newest first: in ids alone, and never changed. Every filter can be
     * combined.
     *
     * REST: `GET /v1/audit`
     */
    list: { kind: 'query', idempotent: true, list: true },
  },
  inspection: {
    /**
     * List a user's conversations, as an admin.
     *
     * Those that the user is in, latest activity first. Each page is written into the audit
     * (`user.conversations_listed`) before it is answered.
     *
     * REST: `GET /v1/users/{user}/conversations`
     */
    conversations: { kind: 'query', idempotent: true, list: true },
    /**
     * Look at a conversation, as an admin.
     *
     * Who is in it. Written into the audit (`conversation.inspected`) before it is answered.
     *
     * REST: `GET /v1/conversations/{conversationId}/inspection`
     */
    conversation: { kind: 'query', idempotent: true, list: false },
    /**
     * Read a conversation's messages, as an admin.
     *
     * All of them, newest first; with `after` oldest first. Each page is written into the audit
     * (`conversation.read`) before it is answered. Nobody in the conversation is told, and nothing counts
     * as delivered or read.
     *
     * REST: `GET /v1/conversations/{conversationId}/inspection/messages`
     */
    messages: { kind: 'query', idempotent: true, list: true },
  },
  stats: {
    /**
     * See how much there is, and what happened by day.
     *
     * Of the whole installation. The totals are as they were counted last, at `countedAt`, and null while
     * they are counted for the first time. Days are of UTC and complete but for the events of the last
     * moments: where a very busy installation is behind with counting, asking again shows more.
     *
     * REST: `GET /v1/stats`
     */
    get: { kind: 'query', idempotent: true, list: false },
    /**
     * See what a server does at the moment.
     *
     * Of the server that answers alone: where there are several, each has its own numbers. docs/metrics.md
     * has many more, over time.
     *
     * REST: `GET /v1/stats/server`
     */
    server: { kind: 'query', idempotent: true, list: false },
  },
  settings: {
    /**
     * See the settings in force.
     *
     * Of the server that answers, as it read them when it started. Of secrets it is told whether they are
     * set, and nothing else.
     *
     * REST: `GET /v1/settings`
     */
    list: { kind: 'query', idempotent: true, list: false },
  },
  setup: {
    /**
     * See whether anybody is here yet.
     *
     * Open is an installation whose only users, if any, are those of the demo.
     *
     * REST: `GET /v1/setup`
     */
    get: { kind: 'query', idempotent: true, list: false },
    /**
     * Open the demo.
     *
     * Fills an installation that nobody uses yet with sample users and their conversations, and logs two of
     * them in, for a day at most. Again with the same token: the same two, logged in once more.
     *
     * REST: `POST /v1/setup/demo`
     */
    openDemo: { kind: 'mutation', idempotent: true, list: false },
    /**
     * Make the first user, an admin.
     *
     * Uses the token up, and ends the sessions of the demo.
     *
     * REST: `POST /v1/setup/admin`
     */
    createAdmin: { kind: 'mutation', idempotent: false, list: false },
  },
} as const satisfies OperationsOf
