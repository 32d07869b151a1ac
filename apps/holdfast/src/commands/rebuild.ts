import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Settings } from '@holdfast/server/config/settings-table.ts'
import type { OfflineOptions, StoreCounts } from '@holdfast/server/offline.ts'
import type { Command } from 'commander'
import { countText, secondsText, sizeText } from '../output/amounts.ts'
import { print, printJson } from '../output/say.ts'
import { visible } from '../output/visible.ts'
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
  readonly salvage?: boolean
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
    .option('--salvage', 'pass over damage in the packs and say what was lost')
    .option('--force', 'also when the packs hold less than the present catalog knows')
    .action(async (options: RebuildOptions, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true
      await rebuild(options, json)
    })
}

async function rebuild(options: RebuildOptions, json: boolean): Promise<void> {
  const startedMs = performance.now()
  const { dataDir, force, salvage = false } = options
  const { settings } = readSettings(dataDir === undefined ? {} : { dataDir })
  const dir = settings.dataDir
  const known = force === true || salvage ? undefined : await presentCounts(settings)
  const catalogPath = newCatalogPath(dir)
  let counts: StoreCounts
  let lost: readonly string[]
  try {
    // The old catalog stays in its place until the new one is whole.
    ;({ counts, lost } = await countsOf({ settings, catalogPath, salvage }))
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
    printJson({ ...counts, lost, before: before ?? null, seconds: Number((ms / 1000).toFixed(3)) })
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
  for (const what of lost) print(`lost: ${visible(what)}`)
  if (before !== undefined) print(`The catalog of before is ${before}.`)
}

/** A catalog that can be opened is the witness of what the packs must hold. */
async function presentCounts(settings: Settings): Promise<StoreCounts | undefined> {
  if (!existsSync(join(settings.dataDir, CATALOG))) return undefined
  try {
    return (await countsOf({ settings })).counts
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    // The packs contradict the catalog. Without it they could pass for a smaller, sound store.
    const isDamaged = isHoldfastError(cause) && cause.code === 'STORE_DAMAGED'
    if (isDamaged && isOfPacks(damageReason(cause))) throw error
    return undefined
  }
}

async function countsOf(
  options: OfflineOptions,
): Promise<{ counts: StoreCounts; lost: readonly string[] }> {
  const store = await openExisting(options)
  try {
    const { catalogPath, settings } = options
    if (catalogPath !== undefined) sweepNewCatalogs(settings.dataDir, catalogPath)
    return { counts: await store.count(), lost: store.lost }
  } finally {
    await store.close()
  }
}
