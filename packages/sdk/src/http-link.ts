/*
 * The parts of tRPC that run in the client. The build includes their code, because the packages have TypeScript as a
 * peer dependency, which npm would install in every program.
 */

// Not from '@trpc/client', of which bundlers cannot remove the WebSocket client.
export { httpLink } from '@trpc/client/links/httpLink'
export { observable } from '@trpc/server/observable'
