import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { SCHEMA_VERSION } from '../catalog/sqlite/schema.ts'
import { encodeBatch } from '../element/disk/batch.ts'
import { RECORD } from '../element/disk/tar-entry.ts'
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

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function put(store: Store, text: string): Promise<string> {
  const { sha256 } = await store.element.write(once(Buffer.from(text)), {})
  return sha256
}

async function textOf(store: Store, sha256: string): Promise<string> {
  const blob = await store.catalog.view.blobs.get(sha256)
  assert.ok(blob !== undefined)
  const { bytes } = await store.element.read(blob)
  assert.ok(bytes !== undefined)
  return Buffer.from(bytes).toString()
}

const pack = (): string => `${dir}/packs/0000000001.tar`

/** Where the zeros laid out ahead begin. */
function endOfBatches(): number {
  const bytes = fs.readFileSync(pack())
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end -= 1
  return Math.ceil(end / RECORD) * RECORD
}

const code =
  (expected: string) =>
  (error: unknown): boolean => {
    assert.equal((error as { code?: string }).code, expected)
    return true
  }

describe('opening a store', () => {
  it('makes an absent directory into a store and finds everything again', async () => {
    let store = await open()
    const small = await put(store, 'small')
    await store.close()
    store = await open()
    assert.equal(await textOf(store, small), 'small')
    assert.equal(store.recovery.batches, 0)
    await store.close()
  })

  it('keeps packs that tar can list and extract', async () => {
    const store = await open()
    const sha256 = await put(store, 'to be read with tar')
    await store.close()
    const listed = execFileSync('tar', ['tf', pack()]).toString()
    assert.match(listed, new RegExp(`^blobs/${sha256}\nchanges/\\d{16}\\.jsonl\n$`))
    const text = execFileSync('tar', ['xOf', pack(), `blobs/${sha256}`]).toString()
    assert.equal(text, 'to be read with tar')
  })

  it('makes a lost catalog again from the packs', async () => {
    let store = await open()
    const texts = ['one', 'two', 'three']
    const digests = await Promise.all(texts.map(text => put(store, text)))
    await store.close()
    for (const suffix of ['', '-wal', '-shm'])
      fs.rmSync(`${dir}/catalog.db${suffix}`, { force: true })
    store = await open()
    assert.ok(store.recovery.batches > 0)
    for (const [index, sha256] of digests.entries()) {
      assert.equal(await textOf(store, sha256), texts[index])
    }
    await store.close()
  })

  it('leaves nothing of files that a killed process read packs into', async () => {
    await (await open()).close()
    for (const name of ['-replay', '-check', '-check-replay']) {
      for (const end of ['', '-journal']) fs.writeFileSync(`${dir}/catalog.db${name}${end}`, 'left')
    }
    await (await open()).close()
    const left = fs.readdirSync(dir).filter(name => name.startsWith('catalog.db-'))
    assert.deepEqual(left, [])
  })

  it('refuses a second opener and lets it in after the first has gone', async () => {
    const store = await open()
    await assert.rejects(open(), code('STORE_LOCKED'))
    await store.close()
    await (await open()).close()
  })

  it('refuses a directory that holds something else', async () => {
    fs.mkdirSync(dir)
    fs.writeFileSync(`${dir}/thesis.doc`, 'mine')
    await assert.rejects(open(), code('STORE_FOREIGN'))
    assert.deepEqual(
      fs.readdirSync(dir).filter(name => !name.startsWith('lock')),
      ['thesis.doc'],
    )
  })

  it('takes packs without a marker for an element in trouble, not for a new store', async () => {
    await (await open()).close()
    fs.rmSync(`${dir}/holdfast.json`)
    await assert.rejects(open(), code('STORE_FOREIGN'))
  })

  it('refuses a newer format', async () => {
    await (await open()).close()
    const marker = JSON.parse(fs.readFileSync(`${dir}/holdfast.json`, 'utf8'))
    fs.writeFileSync(`${dir}/holdfast.json`, JSON.stringify({ ...marker, format: 99 }))
    await assert.rejects(open(), code('STORE_FOREIGN'))
  })

  it('refuses a marker whose secret is not one', async () => {
    await (await open()).close()
    const marker = JSON.parse(fs.readFileSync(`${dir}/holdfast.json`, 'utf8'))
    for (const secret of ['', `;${marker.secret.slice(1)}`, marker.secret.slice(2)]) {
      fs.writeFileSync(`${dir}/holdfast.json`, JSON.stringify({ ...marker, secret }))
      await assert.rejects(open(), code('STORE_DAMAGED'))
    }
    fs.writeFileSync(`${dir}/holdfast.json`, 'null')
    await assert.rejects(open(), code('STORE_FOREIGN'))
  })

  it('changes what seals only where that is asked, and names both until it is ended', async () => {
    const markerOf = () => JSON.parse(fs.readFileSync(`${dir}/holdfast.json`, 'utf8'))
    const plain = await open()
    assert.deepEqual([plain.linkSecret, plain.formerSecret], [plain.secret, undefined])
    plain.dropFormer()
    await plain.close()
    const marker = markerOf()
    assert.deepEqual(Object.keys(marker), ['format', 'element', 'created', 'secret'])
    assert.equal(marker.format, 1)
    const begun = await open({ newSecret: true })
    const [sealing] = markerOf().sealing
    assert.deepEqual(markerOf(), { ...marker, format: 2, sealing: [sealing, marker.secret] })
    assert.equal(begun.linkSecret.toString(), Buffer.from(sealing, 'hex').toString())
    assert.deepEqual([begun.formerSecret, begun.secret], [plain.linkSecret, plain.secret])
    await put(begun, 'proved with the first')
    await begun.close()
    const ended = await open({ newSecret: true })
    assert.deepEqual(ended.linkSecret, begun.linkSecret)
    ended.dropFormer()
    await ended.close()
    assert.deepEqual(markerOf(), { ...marker, format: 2, sealing: [sealing] })
    const after = await open()
    assert.deepEqual([after.linkSecret, after.formerSecret], [begun.linkSecret, undefined])
    await after.close()
  })

  it('refuses a marker that says in one place only that another secret seals', async () => {
    await (await open()).close()
    const marker = JSON.parse(fs.readFileSync(`${dir}/holdfast.json`, 'utf8'))
    const one = marker.secret
    for (const wrong of [
      { format: 2 },
      { format: 1, sealing: [one] },
      ...[[], [one, one, one], [one.slice(2)], [one, null], one].map(sealing => {
        return { format: 2, sealing }
      }),
    ]) {
      const text = JSON.stringify({ ...marker, ...wrong })
      fs.writeFileSync(`${dir}/holdfast.json`, text)
      await assert.rejects(open(), code('STORE_DAMAGED'), text)
    }
  })

  it('begins no change where the store cannot be opened', async () => {
    await (await open()).close()
    const before = fs.readFileSync(`${dir}/holdfast.json`, 'utf8')
    fs.writeFileSync(`${dir}/catalog.db`, 'no database')
    await assert.rejects(open({ newSecret: true }))
    const holder = await open({ catalogPath: `${root}/other.db` })
    await assert.rejects(open({ newSecret: true }), code('STORE_LOCKED'))
    await holder.close()
    assert.equal(fs.readFileSync(`${dir}/holdfast.json`, 'utf8'), before)
  })

  it('names a missing parent directory', async () => {
    await assert.rejects(open({ dir: `${root}/no/such` }), code('STORAGE_UNAVAILABLE'))
  })

  it('refuses a catalog of another element', async () => {
    await (await open()).close()
    const other = `${root}/other`
    await (await open({ dir: other })).close()
    fs.copyFileSync(`${other}/catalog.db`, `${dir}/catalog.db`)
    await assert.rejects(open(), code('STORE_FOREIGN'))
  })

  it('refuses packs that end before what the catalog has applied', async () => {
    const store = await open()
    await put(store, 'kept')
    await store.close()
    fs.truncateSync(pack(), RECORD)
    await assert.rejects(open(), code('STORE_DAMAGED'))
  })

  it('refuses an older copy of the packs under a newer catalog, and changes nothing', async () => {
    for (const before of [['first'], ['first', 'second']]) {
      fs.rmSync(dir, { recursive: true, force: true })
      const store = await open()
      for (const text of before) await put(store, text)
      // Laid out ahead: as long as the pack that holds more.
      const older = fs.readFileSync(pack())
      await put(store, 'later')
      await store.close()
      const newer = fs.readFileSync(pack())
      assert.equal(older.length, newer.length)
      fs.writeFileSync(pack(), older)
      await assert.rejects(open(), code('STORE_DAMAGED'))
      assert.deepEqual(fs.readFileSync(pack()), older)
      fs.writeFileSync(pack(), newer)
      await (await open()).close()
    }
  })

  it('says what is wrong and of which part, for programs to decide by', async () => {
    const store = await open()
    await put(store, 'kept')
    await store.close()
    fs.truncateSync(pack(), RECORD)
    await assert.rejects(open(), (error: { details?: unknown }) => {
      assert.deepEqual(error.details, {
        part: 'packs',
        reason: 'pack 1 is shorter than the catalog says',
      })
      return true
    })
    fs.writeFileSync(`${dir}/catalog.db`, 'no database')
    await assert.rejects(open(), (error: { details?: { part?: unknown } }) => {
      assert.equal(error.details?.part, 'catalog')
      return true
    })
  })

  it('refuses a catalog of a newer schema, changes nothing, and can be rebuilt', async () => {
    const store = await open()
    const sha256 = await put(store, 'kept')
    await store.close()
    const db = new Database(`${dir}/catalog.db`)
    db.pragma('user_version = 99')
    db.close()
    const before = fs.readFileSync(`${dir}/catalog.db`)
    await assert.rejects(open(), (error: { code?: unknown; details?: unknown }) => {
      assert.equal(error.code, 'STORE_FOREIGN')
      assert.deepEqual(error.details, { schema: 99, supported: SCHEMA_VERSION })
      return true
    })
    assert.deepEqual(fs.readFileSync(`${dir}/catalog.db`), before)
    fs.rmSync(`${dir}/catalog.db`)
    const again = await open()
    assert.equal(await textOf(again, sha256), 'kept')
    await again.close()
  })

  it('lets nobody else read what it writes, and tightens what is too open', async () => {
    const tooOpen = (): string[] =>
      fs
        .readdirSync(dir, { recursive: true, encoding: 'utf8' })
        .filter(name => (fs.statSync(`${dir}/${name}`).mode & 0o007) !== 0)
    let store = await open()
    await put(store, 'private')
    assert.deepEqual(tooOpen(), [])
    await store.close()
    for (const name of ['catalog.db', 'lock']) fs.chmodSync(`${dir}/${name}`, 0o644)
    store = await open()
    await put(store, 'still private')
    assert.deepEqual(tooOpen(), [])
    await store.close()
  })

  it('runs what its caller asks for before anybody else can open it', async () => {
    const store = await open()
    let refusal: Promise<unknown> | undefined
    await store.close(() => {
      refusal = open().then(
        () => 'opened',
        error => error.code,
      )
    })
    assert.equal(await refusal, 'STORE_LOCKED')
    await (await open()).close()
  })

  it('refuses to open without the directory of large blobs, or that of packs', async () => {
    for (const lostCatalog of [false, true]) {
      fs.rmSync(dir, { recursive: true, force: true })
      const store = await open()
      await put(store, 'large'.repeat(100_000))
      await store.close()
      if (lostCatalog) fs.rmSync(`${dir}/catalog.db`)
      fs.renameSync(`${dir}/blobs`, `${root}/elsewhere`)
      if (lostCatalog) fs.symlinkSync(`${root}/nowhere`, `${dir}/blobs`)
      await assert.rejects(open(), (error: { code?: unknown; details?: { part?: unknown } }) => {
        assert.deepEqual([error.code, error.details?.part], ['STORE_DAMAGED', 'blobs'])
        return true
      })
      fs.rmSync(`${dir}/blobs`, { force: true })
      fs.renameSync(`${root}/elsewhere`, `${dir}/blobs`)
      await (await open()).close()
      fs.renameSync(`${dir}/packs`, `${root}/elsewhere`)
      await assert.rejects(open(), code('STORAGE_UNAVAILABLE'))
      assert.equal(fs.existsSync(`${dir}/packs`), false)
      fs.rmSync(`${root}/elsewhere`, { recursive: true })
    }
  })

  it('goes on without the large blobs where that is asked for, and tells it', async () => {
    const store = await open()
    const large = await put(store, 'large'.repeat(100_000))
    await store.close()
    for (const name of ['blobs', 'catalog.db']) fs.rmSync(`${dir}/${name}`, { recursive: true })
    const salvaged = await open({ salvage: true })
    assert.match(salvaged.recovery.lost.join('\n'), /blobs\/ is missing/)
    assert.ok((await salvaged.catalog.view.blobs.get(large)) !== undefined)
    await salvaged.close()
  })

  it('sweeps temp files', async () => {
    await (await open()).close()
    fs.writeFileSync(`${dir}/tmp/left.part`, 'x')
    const store = await open()
    assert.equal(store.recovery.tempsSwept, 1)
    assert.deepEqual(fs.readdirSync(`${dir}/tmp`), [])
    await store.close()
  })

  it('starts new packs and reads across them', async () => {
    let store = await open({ packBytesMax: 8192, layOutBytes: 4096 })
    const digests: string[] = []
    for (let i = 0; i < 20; i += 1) digests.push(await put(store, `${i}`.repeat(1500)))
    await store.close()
    assert.ok(fs.readdirSync(`${dir}/packs`).length > 3)
    fs.rmSync(`${dir}/catalog.db`)
    store = await open({ packBytesMax: 8192, layOutBytes: 4096 })
    for (const [i, sha256] of digests.entries()) {
      assert.equal(await textOf(store, sha256), `${i}`.repeat(1500))
    }
    const late = await put(store, 'late')
    assert.equal(await textOf(store, late), 'late')
    await store.close()
  })
})

describe('an unfinished commit at the end of the packs', () => {
  /** Opens with the last batch cut or changed as if power had gone while it was written. */
  async function afterCut(change: (bytes: Buffer, start: number, end: number) => void) {
    let store = await open()
    const kept = await put(store, 'acknowledged')
    const start = endOfBatches()
    await put(store, 'cut off'.repeat(300))
    await store.close()
    const catalogBefore = `${root}/before.db`
    assert.ok(!fs.existsSync(catalogBefore))
    for (const suffix of ['', '-wal', '-shm'])
      fs.rmSync(`${dir}/catalog.db${suffix}`, { force: true })
    const bytes = fs.readFileSync(pack())
    change(bytes, start, endOfBatches())
    fs.writeFileSync(pack(), bytes)
    store = await open()
    return { store, kept }
  }

  const cuts: Record<string, (bytes: Buffer, start: number, end: number) => void> = {
    'the change lines are missing': (bytes, _start, end) => bytes.fill(0, end - RECORD, end),
    'the blob header is missing': (bytes, start) => bytes.fill(0, start, start + RECORD),
    'a sector of the blob is missing': (bytes, start) => bytes.fill(0, start + 1024, start + 1536),
    'the header is garbage': (bytes, start) => bytes.fill(0xa5, start, start + RECORD),
  }
  for (const [name, change] of Object.entries(cuts)) {
    it(`is removed when ${name}`, async () => {
      const { store, kept } = await afterCut(change)
      assert.ok(store.recovery.cutBytes > 0)
      assert.equal(fs.readdirSync(`${dir}/quarantine`).length, 1)
      assert.equal(await textOf(store, kept), 'acknowledged')
      assert.equal((await store.catalog.view.blobs.totals()).blobs, 1)
      const next = await put(store, 'after the cut')
      assert.equal(await textOf(store, next), 'after the cut')
      await store.close()
      fs.rmSync(`${dir}/catalog.db`)
      const again = await open()
      assert.equal(await textOf(again, next), 'after the cut')
      await again.close()
    })
  }

  for (const filler of [0, 0xa5])
    it(`is damage, not a cut, when a whole batch follows bytes of ${filler}`, async () => {
      const store = await open()
      await put(store, 'first'.repeat(100))
      const start = endOfBatches()
      await put(store, 'second'.repeat(100))
      await put(store, 'third'.repeat(100))
      await store.close()
      fs.rmSync(`${dir}/catalog.db`)
      const bytes = fs.readFileSync(pack())
      bytes.fill(filler, start, start + RECORD)
      fs.writeFileSync(pack(), bytes)
      await assert.rejects(open(), code('STORE_DAMAGED'))
      assert.deepEqual(fs.readFileSync(pack()), bytes, 'nothing was changed')
    })
})

describe('a damaged log', () => {
  it('is opened for a rebuild, which keeps all the rest and tells what was lost', async () => {
    let store = await open()
    const first = await put(store, 'first'.repeat(100))
    const start = endOfBatches()
    const second = await put(store, 'second'.repeat(100))
    const end = endOfBatches()
    const third = await put(store, 'third'.repeat(100))
    await store.close()
    fs.rmSync(`${dir}/catalog.db`)
    const bytes = fs.readFileSync(pack())
    bytes.fill(0xa5, end - RECORD, end)
    fs.writeFileSync(pack(), bytes)
    await assert.rejects(open(), code('STORE_DAMAGED'))
    store = await open({ salvage: true })
    assert.equal(store.recovery.lost.length, 1)
    assert.match(store.recovery.lost[0] ?? '', new RegExp(`pack 1 at ${start}`))
    assert.equal(await textOf(store, first), 'first'.repeat(100))
    assert.equal(await textOf(store, third), 'third'.repeat(100))
    assert.equal(await store.catalog.view.blobs.get(second), undefined)
    const faults = await Array.fromAsync(store.element.check?.() ?? [])
    assert.deepEqual(
      faults.map(({ place }) => place),
      [`pack:1:${start}`],
    )
    await store.close()
  })

  it('is not cut off because it was written with another secret', async () => {
    const store = await open()
    await put(store, 'kept')
    await store.close()
    const before = fs.readFileSync(pack())
    const marker = JSON.parse(fs.readFileSync(`${dir}/holdfast.json`, 'utf8'))
    const other = { ...marker, secret: 'ab'.repeat(32) }
    fs.writeFileSync(`${dir}/holdfast.json`, JSON.stringify(other))
    fs.rmSync(`${dir}/catalog.db`)
    await assert.rejects(open(), code('STORE_DAMAGED'))
    assert.deepEqual(fs.readFileSync(pack()), before)
  })

  it('is not made of bytes that only look like a batch', async () => {
    let store = await open()
    const kept = await put(store, 'kept')
    const start = endOfBatches()
    // A caller may send anything: here a whole later batch, but for the secret of the store.
    const forged = encodeBatch(
      1000,
      { bodies: [], lines: ['{"seq":99}'] },
      { mtimeS: 1, secret: new Uint8Array(32) },
    )
    await store.element.write(once(Buffer.concat([Buffer.alloc(512), forged])), {})
    await store.close()
    const bytes = fs.readFileSync(pack())
    bytes.fill(0, start, start + RECORD)
    fs.writeFileSync(pack(), bytes)
    fs.rmSync(`${dir}/catalog.db`)
    store = await open()
    assert.ok(store.recovery.cutBytes > 0)
    assert.equal(store.recovery.changes, 0)
    assert.equal(await textOf(store, kept), 'kept')
    await store.close()
  })
})
