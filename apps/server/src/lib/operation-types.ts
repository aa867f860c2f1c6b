import type { Contract } from '@sotto/contract'
import type { z } from 'zod'

/** The validated input of a use case, such as `InputOf<'messages', 'send'>`. */
export type InputOf<
  Resource extends keyof Contract,
  Name extends keyof Contract[Resource],
> = Contract[Resource][Name] extends { input: infer Input extends z.ZodType } ? z.output<Input> : never
