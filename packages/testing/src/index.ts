export type { TestClock } from './clock.ts'
export { createTestServer, type TestServer, type TestServerOptions, type TestUser } from './test-server.ts'
