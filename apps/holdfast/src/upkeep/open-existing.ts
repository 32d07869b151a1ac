import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '@holdfast/server/config/settings-table.ts'
import type { OfflineOptions, OfflineStore } from '@holdfast/server/offline.ts'
import { startFailureText } from './start-failure.ts'

const MARKER = 'holdfast.json'

/** Opens a store that is there; a mistyped directory must not become an empty store. */
export async function openExisting(options: OfflineOptions): Promise<OfflineStore> {
  const { settings } = options
  requireStore(settings)
  const { openOffline } = await import('@holdfast/server/offline.ts')
  try {
    return await openOffline(options)
  } catch (error) {
    throw new Error(startFailureText(error, settings), { cause: error })
  }
}

function requireStore({ dataDir }: Settings): void {
  if (existsSync(join(dataDir, MARKER))) return
  const what = existsSync(dataDir) ? 'is not a data directory of Holdfast' : 'does not exist'
  throw new Error(`${dataDir} ${what}; name it with --data-dir or STORAGE_DATA_DIR`)
}
