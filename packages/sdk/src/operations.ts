// Generated from the contract by `pnpm --filter @sotto/sdk generate`. A test checks that it is current.
import type { Contract } from '@sotto/contract'

/** Every operation except subscriptions, which are handled separately. */
export interface Operations {
  users: {
    /**
     * Create a user.
     *
     * Requires a service key, unless sign-up is open or the caller has an invitation; then a password is
     * required. A user without a password cannot sign in, but a service key can act for them. To set a
     * password or an external id, a key needs the scopes `read` and `write`, because a user who signs in
     * can do both.
     *
     * REST: `POST /v1/users`
     *
     * @throws {SottoError} FORBIDDEN, USERNAME_TAKEN, EXTERNAL_ID_TAKEN, EMAIL_TAKEN
     */
    create: Contract['users']['create']
    /**
     * List users.
     *
     * Sorted by username.
     *
     * REST: `GET /v1/users`
     *
     * @throws {SottoError} INVALID_CURSOR
     */
    list: Contract['users']['list']
    /**
     * Get a user.
     *
     * The public profile. `email` is null unless the caller is the user or a bare key.
     *
     * REST: `GET /v1/users/{user}`
     *
     * @throws {SottoError} USER_NOT_FOUND
     */
    get: Contract['users']['get']
    /**
     * Update a user's profile.
     *
     * Fields that are omitted keep their value; null clears a field. FORBIDDEN unless the caller is the
     * user or a bare key. Only a bare key can change externalId. Signed tokens identify users by it, so
     * setting it also requires the scope `read`, and all scopes for an admin.
     *
     * REST: `PATCH /v1/users/{user}`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN, EXTERNAL_ID_TAKEN, EMAIL_TAKEN
     */
    update: Contract['users']['update']
    /**
     * Create or update a user by external id.
     *
     * For keeping users in step with your own system: creates the user if no user has this external id, and
     * otherwise updates the given fields, as PATCH does. Without `username`, one is made from the external
     * id. The username of an existing user cannot be changed. An existing user whose username equals the
     * external id exactly, and who has neither a password nor an external id, is the same user and gets the
     * external id. Requires a bare key.
     *
     * REST: `PUT /v1/users/{user}`
     *
     * @throws {SottoError} FORBIDDEN, USERNAME_TAKEN, EMAIL_TAKEN
     */
    put: Contract['users']['put']
    /**
     * List a user's correspondents.
     *
     * Users who have exchanged direct messages with this user, most recent message first. The counts
     * include deleted messages. A user who sends or receives a message while you read the pages moves to
     * the first page: read it again at the end, as the SDK's loops do.
     *
     * REST: `GET /v1/users/{user}/correspondents`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN, INVALID_CURSOR
     */
    correspondents: Contract['users']['correspondents']
    /**
     * Get a user's presence.
     *
     * A user is online while they have a stream open. Visible to users who share a conversation with them,
     * unless either has blocked the other. To everyone else they appear offline and never seen.
     *
     * REST: `GET /v1/users/{user}/presence`
     *
     * @throws {SottoError} USER_NOT_FOUND
     */
    presence: Contract['users']['presence']
    /**
     * Get the current user.
     *
     * The user on whose behalf the request is made.
     *
     * REST: `GET /v1/me`
     *
     * @throws {SottoError} ACTOR_REQUIRED
     */
    me: Contract['users']['me']
    /**
     * Get a user's account.
     *
     * Includes the role, and whether the user is disabled and has two-factor authentication on.
     *
     * REST: `GET /v1/users/{user}/account`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN
     */
    account: Contract['users']['account']
    /**
     * Set a user's role.
     *
     * Admins can call admin operations. In conversations they have the same rights as other users, but they
     * can inspect any conversation, which is recorded in the audit log, and export the data of any user. To
     * make a user an admin, a key needs all scopes.
     *
     * REST: `PUT /v1/users/{user}/role`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN
     */
    setRole: Contract['users']['setRole']
    /**
     * Disable or enable a user.
     *
     * A disabled user cannot sign in, and their sessions stop working within two seconds. Their messages
     * remain. Once enabled again, their sessions work again.
     *
     * REST: `PUT /v1/users/{user}/disabled`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN
     */
    setDisabled: Contract['users']['setDisabled']
    /**
     * Export a user's data.
     *
     * The profile, sessions, contacts, blocks, conversations, every message the user has sent or can read,
     * earlier versions of the messages the user has sent, reactions and receipts, in this order. Recorded
     * in the audit log. Over HTTP with `Accept: application/x-ndjson`, the response is the complete export
     * with one JSON object per line. Every line has a cursor, so an interrupted export can resume after the
     * last line received. FORBIDDEN unless the caller is the user, a bare key or an admin.
     *
     * REST: `GET /v1/users/{user}/export`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN, INVALID_CURSOR
     */
    export: Contract['users']['export']
    /**
     * Erase a user.
     *
     * Cannot be undone. Once this returns, no one can sign in as the user or act for them, and the
     * username, external id and email address are available again. Streams of the user end within two
     * seconds. Their content is erased within minutes, even if the server restarts in between: others keep
     * tombstones from `erased-…` and receive a `message.deleted` event for each. The audit log records the
     * request (`user.erase_accepted`) and its completion (`user.erased`). FORBIDDEN unless the caller is
     * the user, a bare key or an admin. A key needs the scope `admin` to erase an admin.
     *
     * REST: `DELETE /v1/users/{user}`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN
     */
    erase: Contract['users']['erase']
  }
  sessions: {
    /**
     * Sign in.
     *
     * Returns a token for the Authorization header. The error is the same for an unknown user, a wrong
     * password and a disabled user. Users with two-factor authentication also provide a code or a recovery
     * code. SECOND_FACTOR_REQUIRED if the password is correct but both are missing. With `cookie`, for web
     * pages, the token is set as the cookie `__Host-sotto` instead, which scripts cannot read and which is
     * accepted only from pages of this server and of its allowed origins. FORBIDDEN for other origins.
     *
     * REST: `POST /v1/sessions`
     *
     * @throws {SottoError} SECOND_FACTOR_REQUIRED, FORBIDDEN
     */
    create: Contract['sessions']['create']
    /**
     * List your sessions.
     *
     * The actor's active sessions, newest first.
     *
     * REST: `GET /v1/sessions`
     *
     * @throws {SottoError} ACTOR_REQUIRED, INVALID_CURSOR
     */
    list: Contract['sessions']['list']
    /**
     * Sign out.
     *
     * Ends the session of the request.
     *
     * REST: `DELETE /v1/sessions/current`
     *
     * @throws {SottoError} ACTOR_REQUIRED
     */
    end: Contract['sessions']['end']
    /**
     * End one of your sessions.
     *
     * Takes effect immediately on this server, and within a second on others. Streams of the session end
     * within two seconds.
     *
     * REST: `DELETE /v1/sessions/{sessionId}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, SESSION_NOT_FOUND
     */
    revoke: Contract['sessions']['revoke']
    /**
     * List a user's sessions.
     *
     * Active sessions, newest first.
     *
     * REST: `GET /v1/users/{user}/sessions`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN, INVALID_CURSOR
     */
    listOf: Contract['sessions']['listOf']
    /**
     * Sign a user out everywhere.
     *
     * For example, if a device is lost. Takes effect immediately on this server, and within a second on
     * others. Streams of the user end within two seconds.
     *
     * REST: `DELETE /v1/users/{user}/sessions`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN
     */
    endAllOf: Contract['sessions']['endAllOf']
  }
  passwords: {
    /**
     * Change a password.
     *
     * Users change their own password and must provide the current one. A bare key can set the password of
     * any user. A key needs the scopes `read` and `write`, because a user who signs in can do both, and
     * also `admin` if the user is an admin. Ends all other sessions of the user.
     *
     * REST: `PUT /v1/users/{user}/password`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN
     */
    set: Contract['passwords']['set']
    /**
     * Create a password reset token.
     *
     * For a user who has forgotten their password: pass the token on to them. It is shown only once, can be
     * used once within an hour, and replaces any earlier one. A key needs all scopes, because the token
     * lets its holder sign in.
     *
     * REST: `POST /v1/users/{user}/password-reset`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN
     */
    issueReset: Contract['passwords']['issueReset']
    /**
     * Reset a password.
     *
     * Sets a new password with a password reset token. Ends all sessions of the user. Two-factor
     * authentication stays on.
     *
     * REST: `POST /v1/password-resets`
     */
    reset: Contract['passwords']['reset']
  }
  totp: {
    /**
     * Set up two-factor authentication.
     *
     * Returns the secret for an authenticator app, which is shown only once. Codes are not required until
     * it is confirmed. Calling this again replaces an unconfirmed secret. UNAVAILABLE if the server uses
     * PostgreSQL and SOTTO_SECRET is not set.
     *
     * REST: `POST /v1/me/totp`
     *
     * @throws {SottoError} ACTOR_REQUIRED, FORBIDDEN
     */
    start: Contract['totp']['start']
    /**
     * Turn on two-factor authentication.
     *
     * Requires a first code, which proves that the app has the secret. Returns ten recovery codes, which
     * are shown only once; each can be used once instead of a code. From then on the password alone is not
     * enough to sign in, and Basic authentication is rejected.
     *
     * REST: `POST /v1/me/totp/confirm`
     *
     * @throws {SottoError} ACTOR_REQUIRED, FORBIDDEN
     */
    confirm: Contract['totp']['confirm']
    /**
     * Turn off two-factor authentication.
     *
     * Requires a code or a recovery code.
     *
     * REST: `POST /v1/me/totp/disable`
     *
     * @throws {SottoError} ACTOR_REQUIRED, FORBIDDEN
     */
    disable: Contract['totp']['disable']
    /**
     * Turn off two-factor authentication for a user.
     *
     * For users who have lost their device and their recovery codes.
     *
     * REST: `DELETE /v1/users/{user}/totp`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN
     */
    remove: Contract['totp']['remove']
  }
  invitations: {
    /**
     * Create an invitation.
     *
     * Returns a token, which is shown only once. It lets someone sign up if SOTTO_SIGNUP is `invitation`. A
     * key needs all scopes, because a user who signs up can read and write.
     *
     * REST: `POST /v1/invitations`
     *
     * @throws {SottoError} FORBIDDEN
     */
    create: Contract['invitations']['create']
    /**
     * List invitations.
     *
     * Newest first, including used and expired ones, without their tokens.
     *
     * REST: `GET /v1/invitations`
     *
     * @throws {SottoError} FORBIDDEN, INVALID_CURSOR
     */
    list: Contract['invitations']['list']
    /**
     * Revoke an invitation.
     *
     * Users who have signed up with it are not affected.
     *
     * REST: `DELETE /v1/invitations/{invitationId}`
     *
     * @throws {SottoError} FORBIDDEN, INVITATION_NOT_FOUND
     */
    revoke: Contract['invitations']['revoke']
  }
  messages: {
    /**
     * Send a message.
     *
     * Sends to a user (`to`) or to a conversation (`conversationId`). The first message to a user creates
     * the direct conversation. FORBIDDEN if either user has blocked the other, or if the server only allows
     * messages between contacts. Repeating a send with the same clientMessageId and content returns the
     * first message; with different content it is an IDEMPOTENCY_CONFLICT. A bare key names the sender in
     * `from`.
     *
     * REST: `POST /v1/messages`
     *
     * @throws {SottoError} ACTOR_REQUIRED, FORBIDDEN, USER_NOT_FOUND, CONVERSATION_NOT_FOUND,
     * IDEMPOTENCY_CONFLICT
     */
    send: Contract['messages']['send']
    /**
     * List messages across conversations.
     *
     * Newest first. Users see messages from their own conversations, and a bare key sees all. All filters
     * can be combined. If few messages match, a page can be short or even empty and still have a
     * nextCursor. Page numbers are only supported with `between` and no other filter.
     *
     * REST: `GET /v1/messages`
     *
     * @throws {SottoError} INVALID_CURSOR, USER_NOT_FOUND, FORBIDDEN
     */
    list: Contract['messages']['list']
    /**
     * Get a message.
     *
     * The message in its current state. Deleted messages have neither text nor media.
     *
     * REST: `GET /v1/messages/{messageId}`
     *
     * @throws {SottoError} MESSAGE_NOT_FOUND
     */
    get: Contract['messages']['get']
    /**
     * Edit a message.
     *
     * Replaces the text, or the caption of an image or video. FORBIDDEN unless the caller is the sender.
     *
     * REST: `PATCH /v1/messages/{messageId}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, MESSAGE_NOT_FOUND, FORBIDDEN, MESSAGE_DELETED
     */
    edit: Contract['messages']['edit']
    /**
     * Delete a message.
     *
     * Leaves a tombstone without content. Repeating the call returns the same tombstone. FORBIDDEN unless
     * the caller is the sender.
     *
     * REST: `DELETE /v1/messages/{messageId}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, MESSAGE_NOT_FOUND, FORBIDDEN
     */
    delete: Contract['messages']['delete']
    /**
     * Like a message.
     *
     * Adds the reaction 👍. Repeating the call has no effect. FORBIDDEN if the actor cannot message the
     * other user.
     *
     * REST: `PUT /v1/messages/{messageId}/like`
     *
     * @throws {SottoError} ACTOR_REQUIRED, MESSAGE_NOT_FOUND, FORBIDDEN, MESSAGE_DELETED
     */
    like: Contract['messages']['like']
    /**
     * Unlike a message.
     *
     * Removes the actor's like, if there is one. Returns the message.
     *
     * REST: `DELETE /v1/messages/{messageId}/like`
     *
     * @throws {SottoError} ACTOR_REQUIRED, MESSAGE_NOT_FOUND, MESSAGE_DELETED
     */
    unlike: Contract['messages']['unlike']
    /**
     * Add a reaction.
     *
     * Repeating the call has no effect. FORBIDDEN if the actor cannot message the other user.
     *
     * REST: `PUT /v1/messages/{messageId}/reactions/{emoji}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, MESSAGE_NOT_FOUND, FORBIDDEN, MESSAGE_DELETED
     */
    react: Contract['messages']['react']
    /**
     * Remove a reaction.
     *
     * Removes the actor's reaction with this emoji, if there is one. Returns the message.
     *
     * REST: `DELETE /v1/messages/{messageId}/reactions/{emoji}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, MESSAGE_NOT_FOUND, MESSAGE_DELETED
     */
    unreact: Contract['messages']['unreact']
  }
  conversations: {
    /**
     * List conversations.
     *
     * The actor's conversations, most recently active first. A conversation that receives a message while
     * you read the pages moves to the first page, so it may not be on any page you read: read the first
     * page again at the end. The SDK's loops do this.
     *
     * REST: `GET /v1/conversations`
     *
     * @throws {SottoError} ACTOR_REQUIRED, INVALID_CURSOR
     */
    list: Contract['conversations']['list']
    /**
     * Get a conversation.
     *
     * A direct conversation or a group, with its last message and what the actor has not read.
     *
     * REST: `GET /v1/conversations/{conversationId}`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND
     */
    get: Contract['conversations']['get']
    /**
     * Create a group.
     *
     * The actor becomes the owner. Participants see the messages sent from when they join until they leave.
     * Repeating the call with the same clientConversationId, name and participants returns the first group,
     * in its current state; with a different name or different participants it is an IDEMPOTENCY_CONFLICT.
     * If the actor has left the group since, it is returned as it was then, without its participants.
     *
     * REST: `POST /v1/conversations`
     *
     * @throws {SottoError} ACTOR_REQUIRED, USER_NOT_FOUND, FORBIDDEN, IDEMPOTENCY_CONFLICT
     */
    create: Contract['conversations']['create']
    /**
     * Rename a group.
     *
     * FORBIDDEN unless the caller is a bare key, or the group's owner or one of its admins.
     *
     * REST: `PATCH /v1/conversations/{conversationId}`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND, FORBIDDEN
     */
    update: Contract['conversations']['update']
    /**
     * Get read receipts.
     *
     * One item per participant: the seq up to which messages have been delivered to them and read by them.
     * `deliveredAt` and `readAt` refer to the message `seq`, or to the last message if `seq` is omitted,
     * and are null for its sender.
     *
     * REST: `GET /v1/conversations/{conversationId}/receipts`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND, INVALID_CURSOR
     */
    receipts: Contract['conversations']['receipts']
    /**
     * List a conversation's messages.
     *
     * Newest first, or oldest first with `after` or `since`. Page 10,000 is as fast as page 1, and any date
     * is as fast as today. Former participants of a group can still read the messages sent while they were
     * in it.
     *
     * REST: `GET /v1/conversations/{conversationId}/messages`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND, INVALID_CURSOR
     */
    messages: Contract['conversations']['messages']
    /**
     * Mark messages as read.
     *
     * Marks all messages up to and including `seq` as read. The read mark never moves back. INVALID_INPUT
     * if `seq` is higher than that of the last message.
     *
     * REST: `POST /v1/conversations/{conversationId}/read`
     *
     * @throws {SottoError} ACTOR_REQUIRED, CONVERSATION_NOT_FOUND
     */
    read: Contract['conversations']['read']
    /**
     * Send a typing indicator.
     *
     * Sent to participants who are streaming events. Expires after 10 seconds, so repeat it while the user
     * is typing. Not stored.
     *
     * REST: `POST /v1/conversations/{conversationId}/typing`
     *
     * @throws {SottoError} ACTOR_REQUIRED, CONVERSATION_NOT_FOUND
     */
    typing: Contract['conversations']['typing']
  }
  participants: {
    /**
     * List participants.
     *
     * In the order in which the users were created.
     *
     * REST: `GET /v1/conversations/{conversationId}/participants`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND, INVALID_CURSOR
     */
    list: Contract['participants']['list']
    /**
     * Add a user to a group, or change their role.
     *
     * A group always has an owner: the first user that a bare key adds to a group without participants
     * becomes its owner, whatever the role. The owner and admins of the group can add members. Only the
     * owner can add admins or change roles: setting the role `owner` transfers ownership, and the previous
     * owner becomes an admin. A bare key can do all of this. Without `role`, a new participant becomes a
     * member and an existing one keeps their role.
     *
     * REST: `PUT /v1/conversations/{conversationId}/participants/{user}`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND, USER_NOT_FOUND, FORBIDDEN
     */
    set: Contract['participants']['set']
    /**
     * Remove a user from a group, or leave it.
     *
     * Any participant can leave. If the owner leaves, the longest-standing admin becomes the owner, or the
     * longest-standing member if there is no admin. Admins can remove members; the owner and a bare key can
     * remove anyone. Succeeds if the user is not in the group.
     *
     * REST: `DELETE /v1/conversations/{conversationId}/participants/{user}`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND, USER_NOT_FOUND, FORBIDDEN
     */
    remove: Contract['participants']['remove']
  }
  direct: {
    /**
     * Get the direct conversation with a user.
     *
     * CONVERSATION_NOT_FOUND until the first message is sent.
     *
     * REST: `GET /v1/direct/{user}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, USER_NOT_FOUND, CONVERSATION_NOT_FOUND
     */
    get: Contract['direct']['get']
    /**
     * List direct messages with a user.
     *
     * Newest first, or oldest first with `after` or `since`. Empty until the first message is sent.
     *
     * REST: `GET /v1/direct/{user}/messages`
     *
     * @throws {SottoError} ACTOR_REQUIRED, USER_NOT_FOUND, INVALID_CURSOR
     */
    messages: Contract['direct']['messages']
    /**
     * Send a direct message.
     *
     * The same as POST /v1/messages with `to`.
     *
     * REST: `POST /v1/direct/{user}/messages`
     *
     * @throws {SottoError} ACTOR_REQUIRED, USER_NOT_FOUND, FORBIDDEN, IDEMPOTENCY_CONFLICT
     */
    send: Contract['direct']['send']
  }
  contacts: {
    /**
     * List contacts.
     *
     * The actor's contacts, or pending contact requests, newest first.
     *
     * REST: `GET /v1/contacts`
     *
     * @throws {SottoError} ACTOR_REQUIRED, INVALID_CURSOR
     */
    list: Contract['contacts']['list']
    /**
     * Send or accept a contact request.
     *
     * Sends a contact request, or accepts one if the user has already sent it. Repeating the call has no
     * effect. FORBIDDEN if either user has blocked the other.
     *
     * REST: `PUT /v1/contacts/{user}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, USER_NOT_FOUND, FORBIDDEN
     */
    add: Contract['contacts']['add']
    /**
     * Remove a contact, or decline or cancel a request.
     *
     * Removes the contact or the pending request. The sender of a request is not notified when it is
     * declined: they still see it as outgoing, until they cancel it or receive a request from the other
     * user. Succeeds if there is no contact.
     *
     * REST: `DELETE /v1/contacts/{user}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, USER_NOT_FOUND
     */
    remove: Contract['contacts']['remove']
  }
  blocks: {
    /**
     * List blocked users.
     *
     * The users the actor has blocked, newest first. Users cannot see who has blocked them.
     *
     * REST: `GET /v1/blocks`
     *
     * @throws {SottoError} ACTOR_REQUIRED, INVALID_CURSOR
     */
    list: Contract['blocks']['list']
    /**
     * Block a user.
     *
     * Once this returns, neither user can send messages or react in their direct conversation, send the
     * other a contact request, add the other to a group, or see when the other is online or typing. Removes
     * the contact and declines any pending request. Existing messages remain; their senders can still
     * delete them, but not edit them. In groups that both users are in, they still see each other’s
     * messages, but no longer when the other is typing or has read a message. Blocking the same user again
     * has no effect.
     *
     * REST: `PUT /v1/blocks/{user}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, USER_NOT_FOUND
     */
    add: Contract['blocks']['add']
    /**
     * Unblock a user.
     *
     * Does not restore a contact that the block removed. Succeeds if the user is not blocked.
     *
     * REST: `DELETE /v1/blocks/{user}`
     *
     * @throws {SottoError} ACTOR_REQUIRED, USER_NOT_FOUND
     */
    remove: Contract['blocks']['remove']
  }
  events: {
    /**
     * Watch the presence of more users.
     *
     * Adds users to `presence` of an open stream of the actor. The stream first sends their current
     * presence. If it watches more than 200 users then, it stops watching those that were added first.
     *
     * REST: `POST /v1/events/watch`
     *
     * @throws {SottoError} ACTOR_REQUIRED
     */
    watch: Contract['events']['watch']
    /**
     * Poll for events.
     *
     * For clients that cannot stream. Returns the events after the cursor, waiting up to `wait` seconds for
     * the first one. Without a cursor, returns the current one.
     *
     * REST: `GET /v1/events/pull`
     *
     * @throws {SottoError} ACTOR_REQUIRED, INVALID_CURSOR
     */
    pull: Contract['events']['pull']
  }
  keys: {
    /**
     * Create a service key.
     *
     * Returns the key, which is shown only once because only its hash is stored. FORBIDDEN if a key
     * requests a scope that it does not have itself, or an admin requests another scope than `admin`: a key
     * with `read` or `write` would let them read conversations without a record in the audit log. Such keys
     * are created with another key or with `sotto key create`.
     *
     * REST: `POST /v1/keys`
     *
     * @throws {SottoError} FORBIDDEN
     */
    create: Contract['keys']['create']
    /**
     * List service keys.
     *
     * Newest first, including revoked and expired keys. The key set in SOTTO_SERVICE_KEY is not included.
     *
     * REST: `GET /v1/keys`
     *
     * @throws {SottoError} FORBIDDEN, INVALID_CURSOR
     */
    list: Contract['keys']['list']
    /**
     * Revoke a service key.
     *
     * Takes effect immediately on this server, and within a second on others. Streams opened with the key
     * end. Repeating the call has no effect.
     *
     * REST: `DELETE /v1/keys/{keyId}`
     *
     * @throws {SottoError} FORBIDDEN, KEY_NOT_FOUND
     */
    revoke: Contract['keys']['revoke']
  }
  webhooks: {
    /**
     * Create a webhook.
     *
     * From now on, events are sent to the URL, signed with the secret. The secret is shown only once.
     * INVALID_INPUT if there are already 20 webhooks. UNAVAILABLE if SOTTO_SECRET, which encrypts the
     * secret, is not set.
     *
     * REST: `POST /v1/webhooks`
     *
     * @throws {SottoError} FORBIDDEN
     */
    create: Contract['webhooks']['create']
    /**
     * List webhooks.
     *
     * Newest first.
     *
     * REST: `GET /v1/webhooks`
     *
     * @throws {SottoError} FORBIDDEN, INVALID_CURSOR
     */
    list: Contract['webhooks']['list']
    /**
     * Get a webhook.
     *
     * Without its secret, which is returned only when it is created or replaced.
     *
     * REST: `GET /v1/webhooks/{webhookId}`
     *
     * @throws {SottoError} FORBIDDEN, WEBHOOK_NOT_FOUND
     */
    get: Contract['webhooks']['get']
    /**
     * Update a webhook.
     *
     * A disabled webhook receives nothing. Events that happen while it is disabled are never sent, and
     * deliveries that were already pending wait until it is enabled again, for up to 30 days. With a signed
     * token, a webhook can only be disabled or described differently, unless SOTTO_JWT_LASTING_ACCESS is
     * on.
     *
     * REST: `PATCH /v1/webhooks/{webhookId}`
     *
     * @throws {SottoError} FORBIDDEN, WEBHOOK_NOT_FOUND
     */
    update: Contract['webhooks']['update']
    /**
     * Delete a webhook.
     *
     * Also deletes its deliveries. Requests that are already being sent may still arrive.
     *
     * REST: `DELETE /v1/webhooks/{webhookId}`
     *
     * @throws {SottoError} FORBIDDEN, WEBHOOK_NOT_FOUND
     */
    delete: Contract['webhooks']['delete']
    /**
     * Replace a webhook's secret.
     *
     * The new secret is shown only once. Deliveries are signed with both secrets for 24 hours, so that the
     * receiver can switch without a gap.
     *
     * REST: `POST /v1/webhooks/{webhookId}/rotate-secret`
     *
     * @throws {SottoError} FORBIDDEN, WEBHOOK_NOT_FOUND
     */
    rotateSecret: Contract['webhooks']['rotateSecret']
    /**
     * Test a webhook.
     *
     * Sends a `webhook.test` event, regardless of the event types of the webhook. The webhook must be
     * enabled.
     *
     * REST: `POST /v1/webhooks/{webhookId}/test`
     *
     * @throws {SottoError} FORBIDDEN, WEBHOOK_NOT_FOUND
     */
    test: Contract['webhooks']['test']
    /**
     * List a webhook's deliveries.
     *
     * Newest first. Successful deliveries are kept for 7 days after creation, failed ones for 30.
     *
     * REST: `GET /v1/webhooks/{webhookId}/deliveries`
     *
     * @throws {SottoError} FORBIDDEN, WEBHOOK_NOT_FOUND, INVALID_CURSOR
     */
    deliveries: Contract['webhooks']['deliveries']
    /**
     * Retry a delivery.
     *
     * Sends the delivery now, with the same id and as many attempts as a new delivery.
     *
     * REST: `POST /v1/webhooks/{webhookId}/deliveries/{deliveryId}/retry`
     *
     * @throws {SottoError} FORBIDDEN, WEBHOOK_NOT_FOUND, DELIVERY_NOT_FOUND
     */
    retryDelivery: Contract['webhooks']['retryDelivery']
  }
  audit: {
    /**
     * List audit log entries.
     *
     * Privileged actions, newest first. Entries contain only ids and never change. All filters can be
     * combined.
     *
     * REST: `GET /v1/audit`
     *
     * @throws {SottoError} FORBIDDEN, USER_NOT_FOUND, INVALID_CURSOR
     */
    list: Contract['audit']['list']
  }
  inspection: {
    /**
     * List a user's conversations as an admin.
     *
     * The conversations the user is in, most recently active first. Each page is recorded in the audit log
     * (`user.conversations_listed`) before it is returned.
     *
     * REST: `GET /v1/users/{user}/conversations`
     *
     * @throws {SottoError} USER_NOT_FOUND, FORBIDDEN, INVALID_CURSOR
     */
    conversations: Contract['inspection']['conversations']
    /**
     * Get a conversation as an admin.
     *
     * The conversation and its participants. Recorded in the audit log (`conversation.inspected`) before it
     * is returned.
     *
     * REST: `GET /v1/conversations/{conversationId}/inspection`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND, FORBIDDEN
     */
    conversation: Contract['inspection']['conversation']
    /**
     * List a conversation's messages as an admin.
     *
     * All messages, newest first, or oldest first with `after`. Each page is recorded in the audit log
     * (`conversation.read`) before it is returned. Participants are not notified, and no message counts as
     * delivered or read.
     *
     * REST: `GET /v1/conversations/{conversationId}/inspection/messages`
     *
     * @throws {SottoError} CONVERSATION_NOT_FOUND, FORBIDDEN, INVALID_CURSOR
     */
    messages: Contract['inspection']['messages']
  }
  stats: {
    /**
     * Get totals and daily statistics.
     *
     * For the whole installation. The totals were last counted at `countedAt`, and are null until the first
     * count is complete. Days are in UTC. The most recent events may not be included yet, especially on a
     * very busy installation.
     *
     * REST: `GET /v1/stats`
     *
     * @throws {SottoError} FORBIDDEN
     */
    get: Contract['stats']['get']
    /**
     * Get the current state of a server.
     *
     * Only for the server that responds: each server has its own numbers. See docs/metrics.md for metrics
     * over time.
     *
     * REST: `GET /v1/stats/server`
     *
     * @throws {SottoError} FORBIDDEN
     */
    server: Contract['stats']['server']
  }
  settings: {
    /**
     * List the current settings.
     *
     * The settings of the server that responds, as read when it started. For secrets, only whether they are
     * set.
     *
     * REST: `GET /v1/settings`
     *
     * @throws {SottoError} FORBIDDEN
     */
    list: Contract['settings']['list']
  }
  setup: {
    /**
     * Get the setup state.
     *
     * `open` is true while the setup link works, or `sotto setup` prints one for an installation without
     * users other than those of the demo. It ends with the first admin.
     *
     * REST: `GET /v1/setup`
     */
    get: Contract['setup']['get']
    /**
     * Open the demo.
     *
     * Adds sample users and conversations, and signs in two of the sample users for up to a day. Repeating
     * the call with the same token signs in the same two users again. Fails with `USERNAME_TAKEN` if a user
     * has the name of a sample user.
     *
     * REST: `POST /v1/setup/demo`
     *
     * @throws {SottoError} USERNAME_TAKEN
     */
    openDemo: Contract['setup']['openDemo']
    /**
     * Create the first admin.
     *
     * Invalidates the token and ends the sessions of the demo.
     *
     * REST: `POST /v1/setup/admin`
     *
     * @throws {SottoError} USERNAME_TAKEN
     */
    createAdmin: Contract['setup']['createAdmin']
  }
}

/** The names of the lists, of the other queries, of the idempotent mutations and of the other mutations. */
export const operationNames: Readonly<Record<keyof Operations, readonly string[]>> = {
  users: [
    'list correspondents export',
    'get presence me account',
    'update put setRole setDisabled erase',
    'create',
  ],
  sessions: ['list listOf', '', 'endAllOf', 'create end revoke'],
  passwords: ['', '', '', 'set issueReset reset'],
  totp: ['', '', 'remove', 'start confirm disable'],
  invitations: ['list', '', '', 'create revoke'],
  messages: ['list', 'get', 'send edit delete like unlike react unreact', ''],
  conversations: ['list receipts messages', 'get', 'create update read typing', ''],
  participants: ['list', '', 'set remove', ''],
  direct: ['messages', 'get', 'send', ''],
  contacts: ['list', '', 'add remove', ''],
  blocks: ['list', '', 'add remove', ''],
  events: ['', 'pull', 'watch', ''],
  keys: ['list', '', 'revoke', 'create'],
  webhooks: ['list deliveries', 'get', 'update', 'create delete rotateSecret test retryDelivery'],
  audit: ['list', '', '', ''],
  inspection: ['conversations messages', 'conversation', '', ''],
  stats: ['', 'get server', '', ''],
  settings: ['', 'list', '', ''],
  setup: ['', 'get', 'openDemo', 'createAdmin'],
}
