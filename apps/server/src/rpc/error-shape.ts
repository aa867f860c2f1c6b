import type { ErrorShape } from '@sotto/contract'
import { TRPCError } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { toSottoError } from '../lib/errors.ts'

/** An error as tRPC's clients receive it. */
export function toErrorShape(error: unknown, requestId: string): ErrorShape {
  const known = toSottoError(error)
  const { code, message, status, retryable, issues, retryAfterMs } = known
  return {
    message,
    code: TRPC_ERROR_CODES_BY_KEY[error instanceof TRPCError ? error.code : 'INTERNAL_SERVER_ERROR'],
    data: {
      code,
      httpStatus: status,
      retryable,
      requestId: known.requestId ?? requestId,
      issues,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  }
}
