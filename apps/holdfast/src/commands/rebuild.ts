import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Settings } from '@holdfast/server/config/settings-table.ts'
import type { OfflineOptions, StoreCounts } from '@holdfast/server/offline.ts'
import type { Command } from 'commander'
import { countText, secondsText, sizeText } from '../output/amounts.ts'
import { print, printJson } from '../output/say.ts'
import { damageReason, isOfPacks } from '../upkeep/damage-reason.ts'
import {
  CATALOG,
  exchangeCatalogs,
  newCatalogPath,
  removeNewCatalog,
  sweepNewCatalogs,
} from '../upkeep/exchange-catalogs.ts'
import { openExisting } from '../upkeep/open-existing.ts'
import { readSettings } from '../upkeep/read-settings.ts'

interface RebuildOptions {
  readonly dataDir?: string
  readonly force?: boolean
}

export function addRebuild(program: Command): void {
  program
    .command('rebuild')
    .summary('make the catalog again from the data directory alone')
    .description(
      'Make the catalog again from the packs of a data directory. The server must be stopped. ' +
        'The catalog of before stays as catalog.db.before-<time>; nothing else is changed.',
    )
    .option('--data-dir <dir>', 'instead of STORAGE_DATA_DIR')
    .option('--force', 'also when the packs hold less than the present catalog knows')
    .action(async (options: RebuildOptions, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true
      await rebuild(options, json)
    })
}

async function rebuild(options: RebuildOptions, json: boolean): Promise<void> {
  const startedMs = performance.now()
  const { dataDir, force } = options
  const { settings } = readSettings(dataDir === undefined ? {} : { dataDir })
  const dir = settings.dataDir
  const known = force === true ? undefined : await presentCounts(settings)
  const catalogPath = newCatalogPath(dir)
  let counts: StoreCounts
  try {
    // The old catalog stays in its place until the new one is whole.
    counts = await countsOf({ settings, catalogPath })
    if (known !== undefined && counts.changes < known.changes) {
      const held = `${counts.changes} of the ${known.changes} changes that the catalog knows`
      throw new Error(
        `the packs hold only ${held}; nothing was exchanged, --force takes what is there`,
      )
    }
  } catch (error) {
    removeNewCatalog(catalogPath)
    throw error
  }
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const before = exchangeCatalogs(dir, catalogPath, time)
  const ms = performance.now() - startedMs
  if (json) {
    printJson({ ...counts, before: before ?? null, seconds: Number((ms / 1000).toFixed(3)) })
    return
  }
  const parts = [
    countText(counts.buckets, 'bucket'),
    countText(counts.assets, 'asset'),
    `${countText(counts.blobs, 'blob')} (${sizeText(counts.bytes)})`,
    countText(counts.keys, 'API key'),
    countText(counts.changes, 'change'),
  ]
  print(`Rebuilt in ${secondsText(ms)}: ${parts.join(', ')}.`)
  if (before !== undefined) print(`The catalog of before is ${before}.`)
}

/** A catalog that can be opened is the witness of what the packs must hold. */
async function presentCounts(settings: Settings): Promise<StoreCounts | undefined> {
  if (!existsSync(join(settings.dataDir, CATALOG))) return undefined
  try {
    return await countsOf({ settings })
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    // The packs contradict the catalog. Without it they could pass for a smaller, sound store.
    const isDamaged = isHoldfastError(cause) && cause.code === 'STORE_DAMAGED'
    if (isDamaged && isOfPacks(damageReason(cause))) throw error
    return undefined
  }
}

async function countsOf(options: OfflineOptions): Promise<StoreCounts> {
  const store = await openExisting(options)
  try {
    const { catalogPath, settings } = options
    if (catalogPath !== undefined) sweepNewCatalogs(settings.dataDir, catalogPath)
    return await store.count()
  } finally {
    await store.close()
  }
}
