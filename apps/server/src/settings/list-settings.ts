import type { Setting } from '@sotto/contract'
import type { AdminContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'

/** The effective settings of the server that handles the request. */
export async function listSettings(
  { app }: AdminContext,
  { prefix = '' }: InputOf<'settings', 'list'>,
): Promise<{ settings: Setting[] }> {
  return { settings: app.settings.filter(({ name }) => name.startsWith(prefix)) }
}
