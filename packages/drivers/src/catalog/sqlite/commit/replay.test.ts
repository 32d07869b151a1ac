import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { openDatabase } from '../database.ts'
import { openTables, type Tables } from '../tables.ts'
import type { ChangeLine, LineBlob } from './change-line.ts'
import { applyReplay } from './replay.ts'
import { ReplayScratch } from './replay-scratch.ts'

const at = '2026-01-01T00:00:00.000Z'
const digest = (name: string): string => hash('sha256', name)

function blob(name: string, parts?: readonly string[]): LineBlob {
  const plain = { sha256: digest(name), size: 1, blockBytes: 65_536, sums: '' }
  if (parts === undefined) return plain
  return { ...plain, blockBytes: 0, parts: parts.map(part => [digest(part), 1]) }
}

/** Reads the lines as a start does, from the first on. */
function replay(tables: Tables, path: string, lines: readonly Pick<ChangeLine, 'puts' | 'gone'>[]) {
  const scratch = new ReplayScratch(tables.db, path)
  try {
    for (const [seq, { puts, gone }] of lines.entries()) {
      scratch.addLine({ seq, at, actor: '', request: '', changes: [], puts, gone })
    }
    applyReplay(tables, scratch, { finish: () => {} })
  } finally {
    scratch.close()
  }
}

const DEPTH = 300
const links = Array.from({ length: DEPTH }, (_, index) => `${index}`)
const tail = blob('tail')
const chain = links.map(name => blob(name, [`${Number(name) + 1}`, 'tail']))
const end = blob(`${DEPTH}`)

for (const { title, lines, left } of [
  {
    title: 'makes a chain of parts, however its links are ordered',
    lines: [{ puts: { blobs: [...chain, end, tail] }, gone: {} }],
    left: DEPTH + 2,
  },
  {
    title: 'lets a chain of parts go',
    lines: [
      { puts: { blobs: [...chain, end, tail] }, gone: {} },
      { puts: {}, gone: { blobs: [...links, `${DEPTH}`, 'tail'].map(digest) } },
    ],
    left: 0,
  },
  {
    title: 'takes what is made of itself for lost',
    lines: [{ puts: { blobs: [blob('itself', ['itself', 'tail']), tail] }, gone: {} }],
    left: 2,
  },
]) {
  it(title, () => {
    const root = fs.mkdtempSync(join(tmpdir(), 'holdfast-replay-'))
    const db = openDatabase(`${root}/catalog.db`)
    try {
      const tables = openTables(db)
      // Once to a catalog in the middle of it, and again.
      replay(tables, `${root}/scratch`, lines.slice(0, 1))
      const before = tables.blobs.list({ limit: 2 * DEPTH })
      replay(tables, `${root}/scratch`, lines.slice(0, 1))
      assert.deepEqual(tables.blobs.list({ limit: 2 * DEPTH }), before)
      replay(tables, `${root}/scratch`, lines)
      assert.equal(tables.blobs.totals().blobs, left)
    } finally {
      db.close()
      fs.rmSync(root, { recursive: true })
    }
  })
}

it('lets nobody else read what it holds while it reads the packs', () => {
  const dir = fs.mkdtempSync(join(tmpdir(), 'holdfast-replay-'))
  const db = openDatabase(join(dir, 'catalog.db'))
  try {
    const scratch = new ReplayScratch(db, join(dir, 'catalog.db-replay'))
    const open = fs
      .readdirSync(dir)
      .filter(name => (fs.statSync(join(dir, name)).mode & 0o007) !== 0)
    assert.ok(fs.existsSync(join(dir, 'catalog.db-replay')))
    scratch.close()
    assert.deepEqual(open, [])
  } finally {
    db.close()
    fs.rmSync(dir, { recursive: true })
  }
})
