import type { Contract, Setting } from '@sotto/contract'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'

/** The settings as they are in force on the server that is asked. */
export async function listSettings(
  { app }: Context,
  { prefix = '' }: z.output<Contract['settings']['list']['input']>,
): Promise<{ settings: Setting[] }> {
  return { settings: app.settings.filter(({ name }) => name.startsWith(prefix)) }
}
