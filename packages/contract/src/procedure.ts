import type { z } from 'zod'
import type { ErrorCode } from './errors.ts'

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * Who may call a procedure at all; what they may see or change is the use case's to say.
 *
 * - `anyone`: no credentials needed.
 * - `caller`: a service key or a user.
 * - `actor`: a user, or a service key that acts for one.
 * - `admin`: a service key with the scope `admin` that acts for nobody, or a user who is an admin.
 */
export type Access = 'anyone' | 'caller' | 'actor' | 'admin'

/** What a service key may do: call queries and streams, call mutations, call what is for admins. */
export const keyScopes = ['read', 'write', 'admin'] as const
export type KeyScope = (typeof keyScopes)[number]

/** What callers are limited in: how many of each within a time, the same for every transport. */
export const limitNames = ['logins', 'sends', 'reads', 'writes', 'streams'] as const
export type LimitName = (typeof limitNames)[number]

/** Which caller an example is for: nobody, the bare service key, or a user of the example world. */
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
   * What a call counts as, where its kind does not say it: `sends`, or `logins`, which is whatever hashes a password
   * or could be used to guess a secret.
   */
  readonly limit?: LimitName
  /**
   * What it can answer besides INVALID_INPUT, UNAUTHENTICATED, RATE_LIMITED, INTERNAL and UNAVAILABLE, and besides
   * the USER_NOT_FOUND and FORBIDDEN of an Act-As that names nobody or somebody else, or of a key without the scope.
   */
  readonly errors: readonly ErrorCode[]
  /** True when repeating a call whose answer was lost changes nothing more. Only such calls are retried. */
  readonly idempotent: boolean
  readonly summary: string
  readonly description?: string
  readonly http: {
    readonly method: HttpMethod
    /** As in OpenAPI: `/v1/users/{user}`. A name in braces is a field of the input. */
    readonly path: `/v1/${string}`
    /** 204 answers no body. */
    readonly status: 200 | 201 | 204
    /** Set where a repeated call answers another status than the first. */
    readonly repeatedStatus?: 200
    /** Set for a list that is also answered whole, as `application/x-ndjson`: one line of JSON for each item. */
    readonly lines?: true
  }
  readonly example: {
    readonly as: ExampleCaller
    readonly input: z.input<Input>
    readonly output: z.output<Output>
  }
}

/** Keeps the exact types of a query's entry. */
export function query<Input extends z.ZodType, Output extends z.ZodType, AccessNeeded extends Access>(
  entry: Omit<Procedure<'query', Input, Output, AccessNeeded>, 'kind' | 'idempotent'>,
): Procedure<'query', Input, Output, AccessNeeded> {
  return { kind: 'query', idempotent: true, ...entry }
}

/** Keeps the exact types of a mutation's entry. */
export function mutation<Input extends z.ZodType, Output extends z.ZodType, AccessNeeded extends Access>(
  entry: Omit<Procedure<'mutation', Input, Output, AccessNeeded>, 'kind'>,
): Procedure<'mutation', Input, Output, AccessNeeded> {
  return { kind: 'mutation', ...entry }
}

/** Keeps the exact types of a subscription's entry; `output` is one event of it. Over HTTP it is Server-Sent Events. */
export function subscription<Input extends z.ZodType, Output extends z.ZodType, AccessNeeded extends Access>(
  entry: Omit<Procedure<'subscription', Input, Output, AccessNeeded>, 'kind' | 'idempotent'>,
): Procedure<'subscription', Input, Output, AccessNeeded> {
  return { kind: 'subscription', idempotent: true, ...entry }
}

/** What a call counts as. */
export function limitOf({ kind, limit }: Pick<Procedure, 'kind' | 'limit'>): LimitName {
  return limit ?? limitOfKind[kind]
}

const limitOfKind = { query: 'reads', mutation: 'writes', subscription: 'streams' } as const
