import type { z } from 'zod'
import type { ErrorCode } from './errors.ts'

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * Who can call a procedure at all. The use case decides what they can see or change.
 *
 * - `anyone`: no credentials required.
 * - `caller`: a service key or a user.
 * - `actor`: a user, or a service key that acts for a user.
 * - `admin`: a bare key with the scope `admin`, or a user who is an admin.
 */
export type Access = 'anyone' | 'caller' | 'actor' | 'admin'

/** What a service key can call: queries and streams, mutations, admin operations. */
export const keyScopes = ['read', 'write', 'admin'] as const
export type KeyScope = (typeof keyScopes)[number]

/** The rate limits, which are shared by all transports. */
export const limitNames = ['logins', 'sends', 'reads', 'writes', 'streams'] as const
export type LimitName = (typeof limitNames)[number]

/** Who calls in an example: an anonymous caller, a bare key, or one of the example users. */
export type ExampleCaller = 'nobody' | 'key' | 'alice' | 'bob'

export type ProcedureKind = 'query' | 'mutation' | 'subscription'

export interface Procedure<
  Kind extends ProcedureKind = ProcedureKind,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  AccessNeeded extends Access = Access,
> {
  readonly kind: Kind
  readonly input: Input
  readonly output: Output
  readonly access: AccessNeeded
  /**
   * The rate limit that applies, if it is not that of the kind: `sends`, or `logins` for everything that hashes a
   * password or could be used to guess a secret.
   */
  readonly limit?: LimitName
  /**
   * The errors of this operation. Not listed are the common ones: INVALID_INPUT, UNAUTHENTICATED, RATE_LIMITED,
   * INTERNAL and UNAVAILABLE, and the USER_NOT_FOUND and FORBIDDEN of a rejected Act-As or a missing scope.
   */
  readonly errors: readonly ErrorCode[]
  /** Whether a call can be repeated safely if its response was lost. Only such calls are retried. */
  readonly idempotent: boolean
  readonly summary: string
  readonly description?: string
  readonly http: {
    readonly method: HttpMethod
    /** As in OpenAPI: `/v1/users/{user}`. Names in braces are input fields. */
    readonly path: `/v1/${string}`
    /** A 204 has no body. */
    readonly status: 200 | 201 | 204
    /** Set if a repeated call returns a different status than the first. */
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

/** Defines a query, keeping its exact types. */
export function query<Input extends z.ZodType, Output extends z.ZodType, AccessNeeded extends Access>(
  entry: Omit<Procedure<'query', Input, Output, AccessNeeded>, 'kind' | 'idempotent'>,
): Procedure<'query', Input, Output, AccessNeeded> {
  return { kind: 'query', idempotent: true, ...entry }
}

/** Defines a mutation, keeping its exact types. */
export function mutation<Input extends z.ZodType, Output extends z.ZodType, AccessNeeded extends Access>(
  entry: Omit<Procedure<'mutation', Input, Output, AccessNeeded>, 'kind'>,
): Procedure<'mutation', Input, Output, AccessNeeded> {
  return { kind: 'mutation', ...entry }
}

/** Defines a subscription, keeping its exact types. `output` is one event. Over HTTP it uses Server-Sent Events. */
export function subscription<Input extends z.ZodType, Output extends z.ZodType, AccessNeeded extends Access>(
  entry: Omit<Procedure<'subscription', Input, Output, AccessNeeded>, 'kind' | 'idempotent'>,
): Procedure<'subscription', Input, Output, AccessNeeded> {
  return { kind: 'subscription', idempotent: true, ...entry }
}

/** The rate limit that a call counts towards. */
export function limitOf({ kind, limit }: Pick<Procedure, 'kind' | 'limit'>): LimitName {
  return limit ?? limitOfKind[kind]
}

const limitOfKind = { query: 'reads', mutation: 'writes', subscription: 'streams' } as const
