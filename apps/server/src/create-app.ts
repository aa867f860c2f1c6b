import type { Database } from '@sotto/db'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { App } from './context.ts'
import { Identity } from './identity/identity.ts'
import type { NewId } from './ids.ts'
import { DeliveryMarks } from './messaging/delivery-marks.ts'

interface Parts {
  config: Pick<Config, 'serviceKey' | 'maxTextLength' | 'signUp'>
  database: Database
  log: Logger
  now: () => Date
  newId: NewId
}

/** What the use cases work with: behind a server's routes, and in a command. */
export function createApp({ config, database: { db }, log, now, newId }: Parts): App {
  return {
    db,
    now,
    newId,
    log,
    identity: new Identity({ db, now, serviceKey: config.serviceKey }),
    deliveryMarks: new DeliveryMarks({ db, now, log }),
    maxTextLength: config.maxTextLength,
    signUp: config.signUp,
  }
}
