import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Settings } from '@holdfast/server/config/settings-table.ts'
import type { Losses, OfflineOptions, StoreCounts } from '@holdfast/server/offline.ts'
import type { Command } from 'commander'
import { countText, secondsText, sizeText } from '../output/amounts.ts'
import { print, printJson, say } from '../output/say.ts'
import { visible } from '../output/visible.ts'
import {
  CATALOG,
  exchangeCatalogs,
  newCatalogPath,
  removeNewCatalog,
  sweepNewCatalogs,
} from '../upkeep/exchange-catalogs.ts'
import { openExisting } from '../upkeep/open-existing.ts'
import { readSettings } from '../upkeep/read-settings.ts'

/** Revocations are changes like all others: without its line, what one ended is good again. */
const RIGHTS =
  'what is lost may have taken rights away: look through users, keys, share links, groups and ' +
  'grants (and `holdfast audit verify`) before others reach the server'

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
        'The catalog of before stays as catalog.db.before-<time>; nothing else is changed. What ' +
        'was lost stands in the audit log with the next start.',
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
  const isForced = force === true || salvage
  const known = isForced ? await witness(settings) : await presentCounts(settings)
  const catalogPath = newCatalogPath(dir)
  const how = { known, isForced }
  const { counts, losses, before } = await exchanged({ settings, catalogPath, salvage }, how)
  const lost = losses?.lost ?? []
  const ms = performance.now() - startedMs
  if (losses !== undefined || force === true) say(RIGHTS)
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

interface Exchanged {
  readonly counts: StoreCounts
  readonly losses: Losses | undefined
  /** Where the catalog of before is now. */
  readonly before: string | undefined
}

/**
 * The old catalog stays in its place until the new one is whole, and they are exchanged while
 * nobody else can open the store.
 */
async function exchanged(
  options: OfflineOptions & { readonly catalogPath: string },
  { known, isForced }: { readonly known: Known; readonly isForced: boolean },
): Promise<Exchanged> {
  const { catalogPath, settings } = options
  const dir = settings.dataDir
  try {
    const store = await openExisting(options)
    let before: string | undefined
    let exchange: (() => void) | undefined
    try {
      sweepNewCatalogs(dir, catalogPath)
      const counts = await store.count()
      if (!isForced) requireAll(counts, known)
      const losses = lossesOf(store.lost, counts, known)
      // Before the exchange: behind it, a process that dies would leave them untold.
      if (losses !== undefined) await store.noteLosses(losses)
      const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
      exchange = () => {
        before = exchangeCatalogs(dir, catalogPath, time)
      }
      await store.close(exchange)
      return { counts, losses, before }
    } catch (error) {
      if (exchange === undefined) await store.close()
      throw error
    }
  } catch (error) {
    removeNewCatalog(catalogPath)
    throw error
  }
}

type Known = StoreCounts | 'contradicted' | undefined

function lossesOf(
  lost: readonly string[],
  { changes }: StoreCounts,
  known: Known,
): Losses | undefined {
  const isLess = known === 'contradicted' || (known !== undefined && changes < known.changes)
  if (lost.length === 0 && !isLess) return undefined
  return { lost, changes, changesBefore: typeof known === 'object' ? known.changes : null }
}

/** What the present catalog knows, for who takes what is there whatever that is. */
async function witness(settings: Settings): Promise<Known> {
  try {
    return await presentCounts(settings)
  } catch {
    return 'contradicted'
  }
}

function requireAll(counts: StoreCounts, known: Known): void {
  if (typeof known !== 'object' || counts.changes >= known.changes) return
  const held = `${counts.changes} of the ${known.changes} changes that the catalog knows`
  throw new Error(`the packs hold only ${held}; nothing was exchanged, --force takes what is there`)
}

/** A catalog that can be opened is the witness of what the packs must hold. */
async function presentCounts(settings: Settings): Promise<StoreCounts | undefined> {
  if (!existsSync(join(settings.dataDir, CATALOG))) return undefined
  try {
    const store = await openExisting({ settings })
    try {
      return await store.count()
    } finally {
      await store.close()
    }
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    // The packs contradict the catalog. Without it they could pass for a smaller, sound store.
    const isDamaged = isHoldfastError(cause) && cause.code === 'STORE_DAMAGED'
    if (!isDamaged || cause.details.part !== 'packs') return undefined
    const hint = 'if only the catalog is old, --force makes it again from the packs that are there'
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(`${what}; ${hint}`, { cause: error })
  }
}
