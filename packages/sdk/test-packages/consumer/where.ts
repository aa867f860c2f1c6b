/** The server to connect to. package.test.ts replaces this file with the server it has started. */
export const url = 'http://127.0.0.1:1337'
export const token = 'sk_…'
