import path from 'node:path'
import type { InputOptions } from 'rolldown'

/** The build of tRPC's code into one file. */
export const httpLink: InputOptions = {
  input: path.join(import.meta.dirname, '../src/http-link.ts'),
  platform: 'neutral',
  // Leaves out tRPC's table of codes and its helper for generators, which are a fifth of it. Bundlers cannot do this in
  // general, because reading and writing properties could call something.
  treeshake: { propertyReadSideEffects: false, propertyWriteSideEffects: false },
}
