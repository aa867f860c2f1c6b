/** The server to speak to; package.test.ts puts the one that it has started in here. */
export const url = 'http://127.0.0.1:1337'
export const token = 'sk_…'
