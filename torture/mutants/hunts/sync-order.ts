import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/drivers/open.ts'
import { bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import { transactions } from '@holdfast/testkit/test-transactions.ts'

const sizes = [300_000, 1_000_000, 3_000_001]

/**
 * Large bodies go past the disk port and the page cache, where no simulated disk sees them, and a
 * loop device keeps what a real one may still have in its own memory. So the calls themselves are
 * read: each file must be synced before it gets the name that the catalog will tell.
 */
export function syncsBeforeNames(): void {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-order-'))
  try {
    const calls = traced(join(dir, 'calls'), join(dir, 'data'))
    const synced = new Set<string>()
    let named = 0
    for (const call of calls) {
      const sync = /\bf(?:data)?sync\(\d+<([^>]+)>/.exec(call)?.[1]
      if (sync !== undefined) synced.add(sync)
      const from = /\blink\("([^"]+)"/.exec(call)?.[1]
      if (from === undefined) continue
      if (!synced.has(from)) throw new Error(`${from} got its name before it was synced`)
      named += 1
    }
    if (named < sizes.length) throw new RangeError(`only ${named} files were given names`)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function traced(out: string, dataDir: string): string[] {
  const trace = ['-f', '-y', '-qq', '-e', 'trace=fsync,fdatasync,link', '-o', out]
  const node = [process.execPath, '--disable-warning=ExperimentalWarning']
  const { status, stderr } = spawnSync(
    'strace',
    [...trace, ...node, import.meta.filename, dataDir],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new RangeError(`the traced store ended with ${status}: ${stderr}`)
  return readFileSync(out, 'utf8').split('\n')
}

/** Under strace: large bodies through the writer threads, each in a commit of its own. */
async function writeLarge(dir: string): Promise<void> {
  const store = await openStore({ dir, transactions, writerThreads: 2, reservedBytes: 0 })
  for (const [body, length] of sizes.entries()) {
    await store.element.write(bodySource(body + 1, length), { length })
  }
  await store.close()
}

const [dataDir] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && dataDir !== undefined) await writeLarge(dataDir)
