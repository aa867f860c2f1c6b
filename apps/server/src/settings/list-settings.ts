import type { Setting } from '@sotto/contract'
import type { CallerContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'

/** The settings as they are in force on the server that is asked. */
export async function listSettings(
  { app }: CallerContext,
  { prefix = '' }: InputOf<'settings', 'list'>,
): Promise<{ settings: Setting[] }> {
  return { settings: app.settings.filter(({ name }) => name.startsWith(prefix)) }
}
