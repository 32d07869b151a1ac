import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, hash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { crc32 as zlibCrc32 } from 'node:zlib'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { WriteOptions } from '@holdfast/core/ports/element.ts'
import { nodeDisk } from '../../../disk/node-disk.ts'
import { cryptoRandom } from '../../../random/crypto-random.ts'
import { sumsOf } from '../block-sums.ts'
import { stageBytes } from '../stage.ts'
import { SINK_BYTES } from './large-sink.ts'
import { openWriterPool } from './writer-pool.ts'

const MiB = 1024 * 1024
const dir = mkdtempSync(join(tmpdir(), 'holdfast-writers-'))
nodeDisk.makeDir(`${dir}/tmp`)
after(() => rmSync(dir, { recursive: true, force: true }))

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function stager(pool: ReturnType<typeof openWriterPool>) {
  const options = {
    disk: nodeDisk,
    dir,
    random: cryptoRandom,
    packedBytesMax: 1,
    openSink: pool.open,
  }
  return (bytes: Buffer, piece: number, write: WriteOptions = {}) =>
    stageBytes(options, pieces(bytes, piece), write)
}

/** Around every border: a disk block, a slab, a piece larger than a slab. */
const sizes = [2, 4095, 4096, 4097, SINK_BYTES - 1, SINK_BYTES, SINK_BYTES + 1, 3 * MiB + 12_345]

for (const hasLanes of [true, false]) {
  const how = hasLanes ? 'with a thread for MD5s' : 'on a machine without vector instructions'
  test(`bytes of any size in pieces of any size lie in the file as they came, ${how}`, async () => {
    await using pool = openWriterPool(2, undefined, hasLanes)
    await requireAllSizes(stager(pool))
  })
}

async function requireAllSizes(stage: ReturnType<typeof stager>): Promise<void> {
  for (const size of sizes) {
    for (const piece of [1024, 65_536, 1_500_000]) {
      const bytes = randomBytes(size)
      const staged = await stage(bytes, piece, { length: size, md5: true })
      assert.ok(staged.temp !== null)
      const path = `${dir}/tmp/${staged.temp}`
      assert.ok(readFileSync(path).equals(bytes), `${size} in pieces of ${piece}`)
      assert.equal(staged.sha256, createHash('sha256').update(bytes).digest('hex'))
      assert.equal(staged.md5, createHash('md5').update(bytes).digest('hex'))
      assert.deepEqual(Buffer.from(staged.sums), sumsOf(bytes, staged.blockBytes))
      assert.equal(statSync(path).mode & 0o777, 0o640)
      await staged.discard()
    }
  }
  assert.deepEqual(nodeDisk.list(`${dir}/tmp`), [])
}

test('more bodies at once than there are slabs do not mix and do not wait for ever', async () => {
  await using pool = openWriterPool(2)
  const stage = stager(pool)
  const bodies = Array.from({ length: 60 }, () => randomBytes(2 * MiB + 5))
  const asking = (index: number) => ({ md5: index % 4 > 0 })
  const all = await Promise.all(bodies.map((bytes, at) => stage(bytes, 50_000, asking(at))))
  for (const [index, staged] of all.entries()) {
    const wanted = bodies[index] ?? Buffer.alloc(0)
    const found = readFileSync(`${dir}/tmp/${staged.temp}`)
    assert.ok(found.equals(wanted))
    assert.equal(staged.md5, asking(index).md5 ? hash('md5', wanted) : null)
    await staged.discard()
  }
})

test('an MD5 promised before or after the bytes holds, or the body is refused', async () => {
  await using pool = openWriterPool(1)
  const stage = stager(pool)
  const bytes = randomBytes(MiB + 3)
  const [right, wrong] = [hash('md5', bytes), '0'.repeat(32)]
  const crc32 = zlibCrc32(bytes).toString(16).padStart(8, '0')
  const refused = async (write: WriteOptions) => {
    await assert.rejects(stage(bytes, 65_536, write), error => {
      return isHoldfastError(error) && error.code === 'DIGEST_MISMATCH'
    })
  }
  await refused({ expected: { md5: wrong } })
  await refused({ expected: { md5: right, crc32: '00000000' } })
  await refused({ digests: ['md5'], trailing: () => ({ md5: wrong }) })
  const kept: WriteOptions = {
    expected: { md5: right, sha256: hash('sha256', bytes) },
    digests: ['md5', 'crc32'],
    trailing: () => ({ md5: right, crc32 }),
  }
  const staged = await stage(bytes, 65_536, kept)
  assert.equal(staged.md5, right)
  assert.equal(staged.digests?.md5, right)
  assert.equal(staged.digests?.crc32, crc32)
  await staged.discard()
  assert.deepEqual(nodeDisk.list(`${dir}/tmp`), [])
})

test('a sender that stands still holds nobody up', async () => {
  await using pool = openWriterPool(1)
  const stage = stager(pool)
  const go = Promise.withResolvers<void>()
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield randomBytes(SINK_BYTES + 100)
    await go.promise
  }
  const options = { disk: nodeDisk, dir, random: cryptoRandom, packedBytesMax: 1 }
  const waiting = Array.from({ length: 50 }, () =>
    stageBytes({ ...options, openSink: pool.open }, slow(), {}),
  )
  const quick = await stage(randomBytes(4 * MiB), 65_536)
  await quick.discard()
  go.resolve()
  for (const staged of await Promise.all(waiting)) await staged.discard()
})

test('senders that go away take no memory with them and spoil no other body', async () => {
  await using pool = openWriterPool(2)
  const options = { disk: nodeDisk, dir, random: cryptoRandom, packedBytesMax: 1 }
  async function* failing(bytes: Buffer, after: number): AsyncGenerator<Uint8Array> {
    yield* pieces(bytes.subarray(0, after), 60_000)
    throw new Error('the sender went away')
  }
  // Together they had many times the memory there is.
  for (let round = 0; round < 6; round += 1) {
    const bodies = Array.from({ length: 24 }, () => randomBytes(2 * MiB + 77))
    const all = await Promise.allSettled(
      bodies.map((bytes, index) => {
        const source =
          index % 3 === 2 ? pieces(bytes, 70_000) : failing(bytes, index * SINK_BYTES + round)
        return stageBytes({ ...options, openSink: pool.open }, source, { md5: index % 2 === 0 })
      }),
    )
    for (const [index, staged] of all.entries()) {
      assert.equal(staged.status === 'fulfilled', index % 3 === 2)
      if (staged.status === 'rejected') continue
      const wanted = bodies[index] ?? Buffer.alloc(0)
      const found = readFileSync(`${dir}/tmp/${staged.value.temp}`)
      assert.ok(found.equals(wanted), `body ${index} of round ${round}`)
      assert.equal(staged.value.md5, index % 2 === 0 ? hash('md5', wanted) : null)
      await staged.value.discard()
    }
    assert.deepEqual(nodeDisk.list(`${dir}/tmp`), [])
  }
})

test('a broken promise or a sender that fails leaves no file', async () => {
  await using pool = openWriterPool(1)
  const stage = stager(pool)
  const expected = { sha256: '0'.repeat(64) }
  await assert.rejects(stage(randomBytes(MiB), 65_536, { expected }), error => {
    return isHoldfastError(error) && error.code === 'DIGEST_MISMATCH'
  })
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield randomBytes(MiB)
    throw new Error('the sender went away')
  }
  const options = { disk: nodeDisk, dir, random: cryptoRandom, packedBytesMax: 1 }
  await assert.rejects(stageBytes({ ...options, openSink: pool.open }, failing(), {}), /went away/)
  assert.deepEqual(nodeDisk.list(`${dir}/tmp`), [])
})

test('a file that cannot be made is an error of the disk', async () => {
  await using pool = openWriterPool(1)
  const path = `${dir}/absent/x.part`
  const sink = await pool.open({ path, blockBytes: 65_536, write: {} })
  await sink.write([randomBytes(SINK_BYTES)], SINK_BYTES)
  await assert.rejects(sink.finish([randomBytes(10)], 10), error => {
    return isHoldfastError(error) && error.code === 'STORAGE_UNAVAILABLE'
  })
  await sink.abandon()
})

const found = (name: string) => JSON.stringify(import.meta.resolve(name))

/** For a process of its own: what became of bodies of these sizes, one after the other. */
const stageSizes = `
import { nodeDisk } from ${found('../../../disk/node-disk.ts')}
import { cryptoRandom } from ${found('../../../random/crypto-random.ts')}
import { stageBytes } from ${found('../stage.ts')}
import { openWriterPool } from ${found('./writer-pool.ts')}
const [dir, ...sizes] = process.argv.slice(2)
await using pool = openWriterPool(1)
const random = cryptoRandom
const options = { disk: nodeDisk, dir, random, packedBytesMax: 1, openSink: pool.open }
async function* body(size) { yield Buffer.alloc(size, 7) }
const told = []
for (const size of sizes.map(Number)) {
  const staged = await stageBytes(options, body(size), {}).catch(error => error)
  told.push(staged.code ?? staged.size)
  await staged.discard?.()
}
console.log(JSON.stringify({ told, left: nodeDisk.list(dir + '/tmp') }))
`

test('a write that fails in the middle or at the end refuses the body and leaves no file', () => {
  // A limit of 1 MiB, in blocks of 512 bytes, in place of a full disk.
  const limited = ['-c', 'ulimit -f 2048; exec "$@"', 'sh']
  const node = [process.execPath, '--disable-warning=ExperimentalWarning']
  const script = `${dir}/stage-sizes.mjs`
  writeFileSync(script, stageSizes)
  const sizesThere = [3 * MiB, MiB + 1, MiB, 300_000].map(String)
  const output = execFileSync('sh', [...limited, ...node, script, dir, ...sizesThere], {
    encoding: 'utf8',
  })
  const { told, left } = JSON.parse(output)
  assert.deepEqual(told, ['STORAGE_FULL', 'STORAGE_FULL', MiB, 300_000])
  assert.deepEqual(left, [])
})
