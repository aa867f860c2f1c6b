import { createClient } from '@sotto/sdk'

/** The server that the page came from; the session's cookie tells who calls. */
export const sotto = createClient({ url: '' })
