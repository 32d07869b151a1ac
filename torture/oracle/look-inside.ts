import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { openStore } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { openEngine } from '@holdfast/engine/engine.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { verifyStore } from '@holdfast/engine/integrity/verify.ts'
import { transactions } from '@holdfast/engine/transactions.ts'
import { checkTotals, type Dump, dump } from '@holdfast/testkit/catalog/dump.ts'

export interface Inside {
  readonly problems: readonly string[]
  readonly blobs: number
  readonly changes: number
}

export interface InsideOptions {
  /** Frees what nothing refers to, at once, and looks for anything left or lost by it. */
  readonly collect?: boolean
  readonly reservedBytes?: number
}

/**
 * Opens a data directory in this process, without HTTP, while no server has it: references and
 * totals against a recount, the change log without gaps, every byte against its SHA-256.
 */
export async function lookInside(dir: string, options: InsideOptions = {}): Promise<Inside> {
  const { collect = false, reservedBytes = 0 } = options
  const store = await openStore({ dir, transactions, reservedBytes })
  try {
    const engine = openEngine({
      catalog: store.catalog,
      element: store.element,
      clock: systemClock,
      random: cryptoRandom,
      limits: { graceMs: 0 },
    })
    const problems: string[] = []
    const found = await dump(store.catalog.view)
    problems.push(...recordProblems(found))
    if (collect) {
      const { stopped } = await collectGarbage(engine, { limit: 1_000_000 })
      if (stopped !== null) problems.push(`garbage collection stopped: ${stopped}`)
      await store.element.reclaim?.()
    }
    const report = await verifyStore(engine)
    for (const { sha256, problem } of [...report.missing, ...report.damaged]) {
      problems.push(`blob ${sha256}: ${problem}`)
    }
    if (collect) {
      for (const { location } of report.orphaned) problems.push(`never freed: ${location}`)
      const after = await dump(store.catalog.view)
      problems.push(...recordProblems(after))
      if (JSON.stringify(after.assets) !== JSON.stringify(found.assets)) {
        problems.push('garbage collection changed assets')
      }
      const dead = after.blobs.filter(({ references }) => references === 0)
      if (dead.length > 0) problems.push(`${dead.length} dead blobs outlived the collection`)
    }
    return { problems, blobs: report.blobs, changes: found.changes.length }
  } finally {
    await store.close()
  }
}

function recordProblems(found: Dump): string[] {
  const problems: string[] = []
  try {
    checkTotals(found)
  } catch (error) {
    problems.push(`totals: ${error instanceof Error ? error.message : error}`)
  }
  const gap = found.changes.findIndex(({ seq }, at) => seq !== at + 1)
  if (gap >= 0) problems.push(`change ${gap + 1} of the log has number ${found.changes[gap]?.seq}`)
  return problems
}
