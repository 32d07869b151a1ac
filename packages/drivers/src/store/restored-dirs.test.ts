import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import { nodeDisk } from '../disk/node-disk.ts'
import { openStore, type Store, type StoreOptions } from '../open.ts'

let root: string
let dir: string

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'holdfast-store-'))
  dir = `${root}/data`
})
afterEach(() => fs.rmSync(root, { recursive: true }))

function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  return openStore({ dir, transactions: {}, reservedBytes: 0, cacheBytes: 0, ...options })
}

describe('directories that a backup left out because they were empty', () => {
  it('are made again', async () => {
    await (await open()).close()
    for (const name of ['tmp', 'notes', 'blobs']) fs.rmdirSync(`${dir}/${name}`)
    const store = await open()
    const body = [Buffer.from('large'.repeat(100_000))]
    const { sha256: large } = await store.element.write(Readable.from(body), {})
    assert.equal((await store.catalog.view.blobs.get(large))?.location, `file:${large}`)
    assert.equal(await store.element.writeNote('told', 'yes'), true)
    await store.close()
  })

  it('are durable before anything lies in them', async () => {
    await (await open()).close()
    for (const name of ['tmp', 'notes', 'blobs']) fs.rmdirSync(`${dir}/${name}`)
    const unsynced = new Set<string>()
    const disk: Disk = Object.create(nodeDisk, {
      makeDir: {
        value: (path: string) => {
          unsynced.add(path)
          return nodeDisk.makeDir(path)
        },
      },
      syncDir: {
        value: (path: string) => {
          for (const made of unsynced) if (dirname(made) === path) unsynced.delete(made)
          nodeDisk.syncDir(path)
        },
      },
    })
    await (await open({ disk })).close()
    for (const name of ['tmp', 'notes', 'blobs']) assert.ok(fs.existsSync(`${dir}/${name}`), name)
    assert.deepEqual([...unsynced], [])
  })
})
