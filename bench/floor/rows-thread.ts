// A thread that does for each message what a commit of so many puts does to the catalog.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { openDatabase, type SqliteDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { type Measured, measured } from './blocks.ts'

interface Work {
  /** Of the catalog file; undefined for a thread that only answers. */
  readonly path: string | undefined
  readonly putsPerCommit: number
}

/** Messages to a thread and back, each a commit; one at a time, so that both sleep in turn. */
export async function commitInThread(work: Work, durationMs: number): Promise<Measured> {
  const worker = new Worker(new URL(import.meta.url), { workerData: work })
  try {
    await once(worker, 'message')
    const startedAt = performance.now()
    const before = process.cpuUsage()
    let commits = 0
    do {
      const answered = once(worker, 'message')
      worker.postMessage(commits)
      await answered
      commits += 1
    } while (performance.now() - startedAt < durationMs)
    const puts = commits * work.putsPerCommit
    return measured(puts, performance.now() - startedAt, process.cpuUsage(before))
  } finally {
    await worker.terminate()
  }
}

/** The rows of a put of a new key: asset, version, blob and change, in the tables of the store. */
function rowsOf(db: SqliteDatabase): (seq: number) => void {
  const values = (count: number) => Array.from({ length: count }, () => '?').join(', ')
  const asset = db.prepare(`INSERT INTO assets VALUES (${values(24)})`)
  const version = db.prepare(`INSERT INTO versions VALUES (${values(20)})`)
  const blob = db.prepare(`INSERT INTO blobs VALUES (${values(7)})`)
  const change = db.prepare(`INSERT INTO changes VALUES (${values(9)})`)
  db.exec(`INSERT OR IGNORE INTO buckets (no, id, name, record) VALUES (1, 'b', 'b', '{}')`)
  return seq => {
    const id = `01900000-0000-7000-8000-${String(seq).padStart(12, '0')}`
    const sha = randomBytes(32)
    const at = 1_700_000_000_000 + seq
    const content = [id, 1, 4096, sha, 1, at, 1]
    blob.run(sha, 4096, `pack:1:${seq * 5120}`, 4096, Buffer.alloc(4), 1, null)
    asset.run(
      ...[seq, id, seq, 1, `run-${seq}/object`, 'object', 1, 1, 1, null, null, null],
      ...[at, 1, at, null, 0, ...content],
    )
    version.run(
      ...[seq, id, seq, seq, 1, 1, sha, null, 4096, 1, null, null, 1, null, at, 1, null, 0],
      ...[null, null],
    )
    change.run(seq, at, 1, id, 1, 1, seq, seq, null)
  }
}

function work({ path, putsPerCommit }: Work): void {
  const port = parentPort
  if (port === null) return
  const db = path === undefined ? undefined : openDatabase(path)
  const put = db === undefined ? () => {} : rowsOf(db)
  let seq = Number(db?.prepare('SELECT max(seq) FROM changes').pluck().get() ?? 0)
  port.on('message', () => {
    db?.exec('BEGIN IMMEDIATE')
    for (let count = 0; count < putsPerCommit; count += 1) put(++seq)
    db?.exec('COMMIT')
    port.postMessage(seq)
  })
  port.postMessage('ready')
}

if (parentPort !== null) work(workerData)
