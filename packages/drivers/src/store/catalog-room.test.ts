import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openDatabase } from '../catalog/sqlite/database.ts'
import { openStore } from '../open.ts'
import { CatalogRoom } from './catalog-room.ts'

let root: string

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'holdfast-room-'))
})
afterEach(() => fs.rmSync(root, { recursive: true }))

const options = { transactions: {}, reservedBytes: 0, packBytesMax: 65_536, layOutBytes: 4096 }

/** For a process of its own: puts until one is refused, and tells how many were not. */
const putUntilRefused = `
import { openStore } from ${JSON.stringify(import.meta.resolve('../open.ts'))}
const [dir] = process.argv.slice(1)
const store = await openStore({ ...${JSON.stringify(options)}, dir })
async function* body(n) { yield Buffer.from('body ' + n) }
let kept = 0
let refusal
for (; kept < 20_000; kept += 1) {
  try { await store.element.write(body(kept), {}) } catch (error) { refusal = error.code; break }
}
await store.close()
console.log(JSON.stringify({ kept, refusal }))
`

describe('room for the catalog', () => {
  it('is there before a commit, however much is free', () => {
    const path = `${root}/catalog.db`
    const db = openDatabase(path)
    using room = new CatalogRoom(db)
    const sizes = () => ['wal', 'shm'].map(end => fs.statSync(`${path}-${end}`).size)
    try {
      db.exec('CREATE TABLE scratch (name TEXT PRIMARY KEY, value TEXT)')
      const insert = db.prepare('INSERT INTO scratch VALUES (hex(randomblob(8)), ?)')
      const insertAll = (rows: number) => {
        const value = 'x'.repeat(2000)
        for (let row = 0; row < rows; row += 1) insert.run(value)
        return [value.repeat(rows)]
      }
      let grown = 0
      // Enough for several blocks of the index.
      for (const rows of [1, 10, 1000, 8000, 1]) {
        const before = sizes()
        room.begin()
        db.exec('BEGIN IMMEDIATE')
        room.reserve(insertAll(rows), true)
        const laid = sizes()
        db.exec('COMMIT')
        assert.deepEqual(sizes(), laid, `${rows} rows`)
        if (laid[0] !== before[0]) grown += 1
      }
      assert.ok(grown > 1)
    } finally {
      db.close()
    }
  })

  it('knows how much of the log is in use, as SQLite itself tells it', () => {
    const path = `${root}/catalog.db`
    const db = openDatabase(path)
    using room = new CatalogRoom(db)
    const told = () => db.prepare<[], { log: number }>('PRAGMA wal_checkpoint(NOOP)').get()?.log
    try {
      db.exec('CREATE TABLE scratch (value TEXT)')
      const insert = db.prepare('INSERT INTO scratch VALUES (?)')
      // Small ones, some of several pages, and one behind which the log begins anew.
      for (const rows of [1, 1, 30, 1, 0, 1]) {
        room.begin()
        assert.equal(room.used, told())
        db.exec('BEGIN IMMEDIATE')
        for (let row = 0; row < rows; row += 1) insert.run('x'.repeat(2000))
        db.exec('COMMIT')
        if (rows === 0) db.pragma('wal_checkpoint(RESTART)')
      }
      room.begin()
      assert.equal(room.used, told())
      assert.ok((room.used ?? 0) > 0 && (room.used ?? 0) < 30, 'the log began anew')
    } finally {
      db.close()
    }
  })

  it('is refused cleanly where a limit ends it that SQLite does not know', async () => {
    const dir = `${root}/data`
    // EFBIG in place of EDQUOT, which needs a file system of its own: SQLite tells neither apart
    // from a failing disk. 2 MiB in blocks of 512 bytes.
    const limited = 'ulimit -f 4096; exec "$@"'
    const node = [process.execPath, '--disable-warning=ExperimentalWarning']
    const output = execFileSync(
      'sh',
      ['-c', limited, 'sh', ...node, '--input-type=module', '-e', putUntilRefused, dir],
      { encoding: 'utf8' },
    )
    const { kept, refusal } = JSON.parse(output)
    assert.equal(refusal, 'STORAGE_FULL')
    assert.ok(kept > 50, `${kept} were kept`)
    const store = await openStore({ ...options, dir })
    const { blobs } = await store.catalog.view.blobs.totals()
    assert.equal(blobs, kept, 'what was refused is not there')
    await store.close()
  })
})
