import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    packedFolder: string
  }
}

/** The folder with the tarballs of all published packages. Only available in `pnpm test:packages`. */
export const packedFolder = inject('packedFolder')
