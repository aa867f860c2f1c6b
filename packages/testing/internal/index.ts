export {
  type Answer,
  type Call,
  callRest,
  callRpc,
  jsonOf,
  type RequestHeaders,
  restRequest,
  type WireAnswer,
} from './calls.ts'
export {
  createEmptyDatabase,
  createTemporaryDirectory,
  type Dialect,
  dialects,
  type EmptyDatabase,
  queryPostgres,
  type TemporaryDirectory,
  withPostgres,
} from './databases.ts'
export { findText } from './find-text.ts'
export { Inbox, type ReceivedEvent, type WireEvent } from './inbox.ts'
export { freePort, type ListeningServer, listen } from './network.ts'
export { calls, fieldsOf, type Operation, operations, outputFields } from './operations.ts'
export { openPausedSse, openPausedWs } from './paused-streams.ts'
export { basic, type RestAnswer, rest } from './rest.ts'
export { type Scrape, scrape } from './scrape.ts'
export {
  type FinishedCommand,
  type ServerHere,
  type ServerProcess,
  type StartedServer,
  serve,
  sotto,
  sottoOnTerminal,
  sottoProcess,
  spawnServer,
  spawnSotto,
  startSotto,
} from './sotto.ts'
export { codeOf, failureOf } from './sotto-errors.ts'
export { openSse, RefusedError, readSuperjson, type SseStream } from './sse.ts'
export { type RunningServer, startServer } from './start-server.ts'
export { openTcpProxy, type TcpProxy } from './tcp-proxy.ts'
export { nextTotpCode, totpCode } from './totp.ts'
export {
  type ReceivedWebhook,
  startWebhookReceiver,
  status,
  type WebhookReceiver,
} from './webhook-receiver.ts'
export { openWs, type WsStream } from './ws.ts'
