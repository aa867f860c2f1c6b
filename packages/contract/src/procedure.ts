import type { z } from 'zod'
import type { ErrorCode } from './errors.ts'

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * Who can call an operation. The operation itself decides what they can see or change.
 *
 * - `anyone`: no credentials required.
 * - `caller`: a service key or a user.
 * - `actor`: a user, or a service key that acts for a user.
 * - `admin`: a bare key with the scope `admin`, or a user who is an admin.
 */
export type Access = 'anyone' | 'caller' | 'actor' | 'admin'

/** What a service key can call: queries and streams, mutations, or admin operations. */
export const keyScopes = ['read', 'write', 'admin'] as const
export type KeyScope = (typeof keyScopes)[number]

/** The rate limits. All transports share them. */
export const limitNames = ['logins', 'sends', 'reads', 'writes', 'streams'] as const
export type LimitName = (typeof limitNames)[number]

/** The caller of an example: an anonymous caller, a bare key, or one of the example users. */
export type ExampleCaller = 'nobody' | 'key' | 'alice' | 'bob'

export type ProcedureKind = 'query' | 'mutation' | 'subscription'

export interface Procedure<
  Kind extends ProcedureKind = ProcedureKind,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  RequiredAccess extends Access = Access,
> {
  readonly kind: Kind
  readonly input: Input
  readonly output: Output
  readonly access: RequiredAccess
  /**
   * Scopes that a service key needs in addition to the one of the operation's access and kind, because the result lets
   * it do or read more.
   */
  readonly extraScopes?: readonly KeyScope[]
  /**
   * Whether the operation creates or changes access that outlasts the request: passwords, keys, invitations, webhooks
   * and so on. Callers with a signed token, which is short-lived, can do that only if SOTTO_JWT_LASTING_ACCESS is on.
   */
  readonly grantsAccess?: true
  /**
   * The rate limit, if it is not the default for the kind: `sends`, or `logins` for operations that hash a password or
   * could be used to guess a secret.
   */
  readonly limit?: LimitName
  /**
   * The errors of this operation, except those that all operations have: INVALID_INPUT, UNAUTHENTICATED, RATE_LIMITED,
   * INTERNAL and UNAVAILABLE, USER_NOT_FOUND and FORBIDDEN for a rejected Act-As or a missing scope, and USER_MISMATCH for
   * a rejected Expected-User.
   */
  readonly errors: readonly ErrorCode[]
  /** Whether a call can be repeated safely if its response was lost. The SDK retries only such calls. */
  readonly idempotent: boolean
  readonly summary: string
  readonly description?: string
  readonly http: {
    readonly method: HttpMethod
    /** As in OpenAPI, such as `/v1/users/{user}`. Names in braces are input fields. */
    readonly path: `/v1/${string}`
    /** A 204 response has no body. */
    readonly status: 200 | 201 | 204
    /** The status of a repeated call, if it differs from that of the first. */
    readonly repeatedStatus?: 200
    /** Set if the complete list is also available as `application/x-ndjson`, with one line of JSON per item. */
    readonly lines?: true
  }
  readonly example: {
    readonly as: ExampleCaller
    readonly input: z.input<Input>
    readonly output: z.output<Output>
  }
}

/** Defines a query and infers its exact types. */
export function query<Input extends z.ZodType, Output extends z.ZodType, RequiredAccess extends Access>(
  entry: Omit<Procedure<'query', Input, Output, RequiredAccess>, 'kind' | 'idempotent'>,
): Procedure<'query', Input, Output, RequiredAccess> {
  return { kind: 'query', idempotent: true, ...entry }
}

/** Defines a mutation and infers its exact types. */
export function mutation<Input extends z.ZodType, Output extends z.ZodType, RequiredAccess extends Access>(
  entry: Omit<Procedure<'mutation', Input, Output, RequiredAccess>, 'kind'>,
): Procedure<'mutation', Input, Output, RequiredAccess> {
  return { kind: 'mutation', ...entry }
}

/** Defines a subscription and infers its exact types. `output` is one event. Over HTTP it uses Server-Sent Events. */
export function subscription<
  Input extends z.ZodType,
  Output extends z.ZodType,
  RequiredAccess extends Access,
>(
  entry: Omit<Procedure<'subscription', Input, Output, RequiredAccess>, 'kind' | 'idempotent'>,
): Procedure<'subscription', Input, Output, RequiredAccess> {
  return { kind: 'subscription', idempotent: true, ...entry }
}

/** The scopes that an operation requires of a service key. */
export function requiredScopesOf({
  access,
  kind,
  extraScopes = [],
}: Pick<Procedure, 'access' | 'kind' | 'extraScopes'>): readonly KeyScope[] {
  const own = access === 'admin' ? 'admin' : kind === 'mutation' ? 'write' : 'read'
  return keyScopes.filter((scope) => scope === own || extraScopes.includes(scope))
}

/** The rate limit that a call counts towards. */
export function limitOf({ kind, limit }: Pick<Procedure, 'kind' | 'limit'>): LimitName {
  return limit ?? limitOfKind[kind]
}

const limitOfKind = { query: 'reads', mutation: 'writes', subscription: 'streams' } as const
