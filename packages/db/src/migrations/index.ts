import * as initial from './20261121T000000-initial.ts'
import * as webhooks from './20261121T010000-webhooks.ts'
import * as importProgress from './20261121T020000-import-progress.ts'
import * as schemaRequirements from './20261121T030000-schema-requirements.ts'
import * as statistics from './20261121T040000-statistics.ts'
import * as setup from './20261121T070000-setup.ts'
import * as wrongCodes from './20261130T010000-wrong-codes.ts'
import * as addedBy from './20261130T010100-added-by.ts'
import * as addedByIndex from './20261130T010200-added-by-index.ts'
import * as adminsIndex from './20261130T010300-admins-index.ts'
import * as lastSeen from './20261130T020000-last-seen.ts'
import * as positionsInTheLog from './20261130T030000-positions-in-the-log.ts'
import * as conversationKeys from './20261130T031000-conversation-keys.ts'
import * as externalIds from './20261130T040000-external-ids.ts'
import * as userKeys from './20261130T040100-user-keys.ts'
import type { SchemaMigration } from './migration.ts'

/**
 * Every migration by name, in order. A static list, so that bundlers include them. Never change a released migration.
 */
export const migrations: Record<string, SchemaMigration> = {
  '20261121T000000-initial': initial,
  '20261121T010000-webhooks': webhooks,
  '20261121T020000-import-progress': importProgress,
  '20261121T030000-schema-requirements': schemaRequirements,
  '20261121T040000-statistics': statistics,
  '20261121T070000-setup': setup,
  '20261130T010000-wrong-codes': wrongCodes,
  '20261130T010100-added-by': addedBy,
  '20261130T010200-added-by-index': addedByIndex,
  '20261130T010300-admins-index': adminsIndex,
  '20261130T020000-last-seen': lastSeen,
  '20261130T030000-positions-in-the-log': positionsInTheLog,
  '20261130T031000-conversation-keys': conversationKeys,
  '20261130T040000-external-ids': externalIds,
  '20261130T040100-user-keys': userKeys,
}
