import { createClient } from '@sotto/sdk'

/** Calls the server that serves the page, authenticated by the session cookie. */
export const sotto = createClient({ url: '' })
