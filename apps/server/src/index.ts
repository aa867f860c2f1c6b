export { type Config, ConfigError, readConfig } from './config.ts'
export { createServer, type Server, type ServerOverrides } from './server.ts'
