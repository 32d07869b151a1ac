import type { BlobFinding, OfflineStore, VerifyReport } from '@holdfast/server/offline.ts'
import type { Command } from 'commander'
import { interruptSignal } from '../connection/interrupt.ts'
import { countText, sizeText } from '../output/amounts.ts'
import { print, printJson } from '../output/say.ts'
import { visible } from '../output/visible.ts'
import { showProgress } from '../transfer/progress.ts'
import { openExisting } from '../upkeep/open-existing.ts'
import { readSettings } from '../upkeep/read-settings.ts'

interface VerifyOptions {
  readonly dataDir?: string
  readonly progress: boolean
}

export function addVerify(program: Command): void {
  program
    .command('verify')
    .summary('read every stored byte again and compare checksums')
    .description(
      'Read every stored byte of a data directory again and compare checksums. The server must ' +
        'be stopped. Ends with 1 when something is missing or damaged.',
    )
    .option('--data-dir <dir>', 'instead of STORAGE_DATA_DIR')
    .option('--no-progress', 'no progress bar')
    .action(async (options: VerifyOptions, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true
      const { settings } = readSettings(options)
      const signal = interruptSignal()
      const store = await openExisting({ settings })
      try {
        const report = await readAll(store, { signal, isQuiet: json || !options.progress })
        const affected = await affectedBy(store, report)
        tell(report, { affected, json })
      } finally {
        await store.close()
      }
    })
}

async function readAll(
  store: OfflineStore,
  options: { signal: AbortSignal; isQuiet: boolean },
): Promise<VerifyReport> {
  const { blobs, bytes } = await store.count()
  const progress = showProgress('verify', { files: blobs, bytes }, options.isQuiet)
  let seenBytes = 0
  let seenBlobs = 0
  try {
    return await store.verify({
      signal: options.signal,
      onProgress: now => {
        progress.add(now.bytes - seenBytes)
        if (now.blobs > seenBlobs) progress.fileDone()
        seenBytes = now.bytes
        seenBlobs = now.blobs
      },
    })
  } finally {
    progress.stop()
  }
}

/** Which assets show what was lost: hashes alone help nobody. */
async function affectedBy(store: OfflineStore, report: VerifyReport): Promise<string[]> {
  const lost = new Set([...report.missing, ...report.damaged].map(({ sha256 }) => sha256))
  return lost.size === 0 ? [] : await Array.fromAsync(store.assetsOf(lost))
}

function tell(report: VerifyReport, how: { affected: readonly string[]; json: boolean }): void {
  const { blobs, bytes, missing, damaged, healed, orphaned, truncated } = report
  const isSound = missing.length + damaged.length === 0
  if (!isSound) process.exitCode = 1
  if (how.json) {
    const { affected } = how
    const lists = { missing, damaged, healed, orphaned }
    printJson({ ok: isSound, blobs, bytes, ...lists, truncated, affected })
    return
  }
  const lists: [string, readonly BlobFinding[]][] = [
    ['missing', missing],
    ['damaged', damaged],
    ['healed', healed],
    ['orphaned', orphaned],
  ]
  for (const [what, findings] of lists) {
    for (const { sha256, location, problem } of findings) {
      // Findings without a digest are about records, of the packs or of the catalog.
      const subject = sha256 === '' ? 'records' : sha256
      print(`${what}: ${subject} at ${location}: ${visible(problem)}`)
    }
  }
  for (const name of how.affected) print(`affected: ${visible(name)}`)
  const counts = lists.map(([what, findings]) => `${findings.length} ${what}`).join(', ')
  const verdict = isSound ? 'all sound' : 'NOT SOUND'
  print(`Read ${countText(blobs, 'blob')}, ${sizeText(bytes)}: ${verdict}; ${counts}.`)
}
