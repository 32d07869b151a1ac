import type { StoreCounts } from '@holdfast/server/offline.ts'
import type { Command } from 'commander'
import { countText, secondsText, sizeText } from '../output/amounts.ts'
import { print, printJson } from '../output/say.ts'
import { openExisting } from '../upkeep/open-existing.ts'
import { readSettings } from '../upkeep/read-settings.ts'
import {
  exchangeCatalogs,
  newCatalogPath,
  removeNewCatalog,
  sweepNewCatalogs,
} from '../upkeep/set-catalog-aside.ts'

export function addRebuild(program: Command): void {
  program
    .command('rebuild')
    .summary('make the catalog again from the data directory alone')
    .description(
      'Make the catalog again from the packs of a data directory. The server must be stopped. ' +
        'The catalog of before stays as catalog.db.before-<time>; nothing else is changed.',
    )
    .option('--data-dir <dir>', 'instead of STORAGE_DATA_DIR')
    .action(async (options: { dataDir?: string }, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true
      await rebuild(options.dataDir, json)
    })
}

async function rebuild(dataDir: string | undefined, json: boolean): Promise<void> {
  const startedMs = performance.now()
  const { settings } = readSettings(dataDir === undefined ? {} : { dataDir })
  const dir = settings.dataDir
  const catalogPath = newCatalogPath(dir)
  let counts: StoreCounts
  try {
    // The old catalog stays in its place until the new one is whole.
    const store = await openExisting({ settings, catalogPath })
    try {
      sweepNewCatalogs(dir, catalogPath)
      counts = await store.count()
    } finally {
      await store.close()
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
