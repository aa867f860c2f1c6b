import type { Access, Procedure } from '@sotto/contract'
import type { z } from 'zod'
import type { Subscription } from '../realtime/subscription.ts'
import type { ActorContext, AdminContext, CallerContext, Context } from './context.ts'

/** The context that the gate guarantees for an operation with this access. */
export type ContextFor<A extends Access> = A extends 'anyone'
  ? Context
  : A extends 'actor'
    ? ActorContext
    : A extends 'admin'
      ? AdminContext
      : CallerContext

/** The implementation of an operation. A subscription opens a stream, which the transport sends and ends. */
export type UseCase<P extends Procedure> = (
  ctx: ContextFor<P['access']>,
  input: z.output<P['input']>,
) => Promise<P extends { kind: 'subscription' } ? Subscription : z.input<P['output']>>
