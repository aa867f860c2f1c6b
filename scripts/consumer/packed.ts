import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    packedFolder: string
  }
}

/** The folder with a tarball of each published package, and nothing else. Only in `pnpm test:packages`. */
export const packedFolder = inject('packedFolder')
