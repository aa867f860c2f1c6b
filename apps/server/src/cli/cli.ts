import { start } from './start.ts'

export async function run(_args: readonly string[]): Promise<number> {
  await start()
  return 0
}
