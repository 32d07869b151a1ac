import assert from 'node:assert/strict'
import { createHash, hash } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { UploadPart } from '@holdfast/core/objects.ts'
import type { BlobBytes, Element } from '@holdfast/core/ports/element.ts'
import { runSeed, SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { countTurns } from '../counted-turns.test.ts'
import { callOf, openTestStore, refusedWith, type TestStore } from '../test-store.test.ts'
import { completeUpload } from './complete-upload.ts'
import { RunningDigests } from './running-digests.ts'
import { uploadPart } from './upload-part.ts'
import { abortUpload, createUpload } from './uploads.ts'

const bucket = 'photos'
const key = 'big'
const MiB = 1024 * 1024
const bodies = Array.from({ length: 5 }, (_, index) => Buffer.alloc(5 * MiB + index, index + 1))
const call = callOf({})

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function begin({ engine, call }: TestStore): Promise<string> {
  return (await createUpload(engine, call, { bucket, key, facets: {} })).id
}

function send(opened: TestStore, uploadId: string, sent: { number: number; bytes: Buffer }) {
  const { number, bytes } = sent
  const source = whole(bytes)
  const input = { bucket, key, uploadId, number, source, length: bytes.length }
  return uploadPart(opened.engine, opened.call, input)
}

async function sendAll(opened: TestStore, uploadId: string): Promise<UploadPart[]> {
  const all = bodies.map((bytes, index) => send(opened, uploadId, { number: index + 1, bytes }))
  return Promise.all(all)
}

function named(parts: readonly UploadPart[]) {
  return parts.map(({ number, md5 }) => ({ number, etag: md5 }))
}

/** The element, with the count of its reads. */
function counted(element: Element): { readonly element: Element; reads: number } {
  const count = {
    element: new Proxy(element, {
      get(target, name) {
        if (name === 'read') count.reads += 1
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
    reads: 0,
  }
  return count
}

/** Until so many reads were begun. */
async function begun(count: { readonly reads: number }, reads: number): Promise<void> {
  while (count.reads < reads) await delay(1)
}

test('parts are read as they come, and only once', async () => {
  await using opened = await openTestStore()
  const count = counted(opened.store.element)
  const digests = new RunningDigests({ ...opened.store, element: count.element })
  const uploadId = await begin(opened)
  const parts = await sendAll(opened, uploadId)
  digests.partKept(uploadId)
  await begun(count, parts.length)
  const sha256 = await digests.sha256Of(uploadId, parts, call)
  assert.equal(sha256, hash('sha256', Buffer.concat(bodies)))
  assert.equal(count.reads, parts.length)
  assert.equal(await digests.sha256Of(uploadId, parts, call), sha256, 'all are read again')
  assert.equal(count.reads, 2 * parts.length)
  await digests.close()
})

test('a completion in the middle of it all has the digest of the parts it names', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  for (const left of [0, 1, 2, 4]) {
    const uploadId = await begin(opened)
    const parts = (await sendAll(opened, uploadId)).filter((_, index) => index !== left)
    const wanted = { bucket, key, uploadId, parts: named(parts) }
    const object = await completeUpload(engine, call, wanted)
    const content = createHash('sha256')
    for (const [index, bytes] of bodies.entries()) if (index !== left) content.update(bytes)
    assert.equal(object.version.sha256, content.digest('hex'), `without ${left}`)
  }
})

test('a part that was read and then replaced does not count', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const uploadId = await begin(opened)
  const parts = await sendAll(opened, uploadId)
  const instead = Buffer.alloc(6 * MiB, 99)
  parts[1] = await send(opened, uploadId, { number: 2, bytes: instead })
  const object = await completeUpload(engine, call, { bucket, key, uploadId, parts: named(parts) })
  const content = Buffer.concat(bodies.with(1, instead))
  assert.equal(object.version.sha256, hash('sha256', content))
})

test('parts from the last to the first are read once the first is there', async () => {
  await using opened = await openTestStore()
  const count = counted(opened.store.element)
  const digests = new RunningDigests({ ...opened.store, element: count.element })
  const uploadId = await begin(opened)
  const parts: UploadPart[] = []
  for (const [index, bytes] of [...bodies.entries()].reverse()) {
    parts.unshift(await send(opened, uploadId, { number: index + 1, bytes }))
    digests.partKept(uploadId)
    if (index > 0) assert.equal(count.reads, 0)
  }
  await begun(count, parts.length)
  const sha256 = await digests.sha256Of(uploadId, parts, call)
  assert.equal(sha256, hash('sha256', Buffer.concat(bodies)))
  await digests.close()
})

test('uploads that go while they are read, and a close, leave nothing behind', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const uploadId = await begin(opened)
  await sendAll(opened, uploadId)
  await abortUpload(engine, call, { bucket, key, uploadId })
  await refusedWith(
    completeUpload(engine, call, { bucket, key, uploadId, parts: [] }),
    'UPLOAD_NOT_FOUND',
  )
  const other = await begin(opened)
  const parts = await sendAll(opened, other)
  await engine.digests.close()
  engine.digests.partKept(other)
  const sha256 = await engine.digests.sha256Of(other, parts, call)
  assert.equal(sha256, hash('sha256', Buffer.concat(bodies)), 'still computed when asked')
})

/** The element, with something done to each read. */
function readsOf(element: Element, read: (honest: Element['read']) => Element['read']): Element {
  const instead = read(element.read.bind(element))
  return new Proxy(element, {
    get(target, name) {
      const value: unknown = name === 'read' ? instead : Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test('a part that could not be read to its end does not count by half', async () => {
  await using opened = await openTestStore()
  const broken = Promise.withResolvers<void>()
  let reads = 0
  async function* half({ chunks }: BlobBytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks ?? whole(Buffer.alloc(0))) {
      yield chunk
      broken.resolve()
      throw new HoldfastError('BLOB_DAMAGED')
    }
  }
  const element = readsOf(opened.store.element, read => async (...wanted) => {
    const found = await read(...wanted)
    reads += 1
    return reads === 2 ? { size: found.size, chunks: half(found) } : found
  })
  const digests = new RunningDigests({ ...opened.store, element })
  const uploadId = await begin(opened)
  const parts = await sendAll(opened, uploadId)
  digests.partKept(uploadId)
  await broken.promise
  const sha256 = await digests.sha256Of(uploadId, parts, call)
  assert.equal(sha256, hash('sha256', Buffer.concat(bodies)))
  assert.equal(reads, 2 + parts.length, 'all are read again')
  await digests.close()
})

test('a part that is replaced while it is read does not count', async () => {
  await using opened = await openTestStore()
  const reading = Promise.withResolvers<void>()
  const replaced = Promise.withResolvers<void>()
  const element = readsOf(opened.store.element, read => async (...wanted) => {
    const found = await read(...wanted)
    reading.resolve()
    await replaced.promise
    return found
  })
  const digests = new RunningDigests({ ...opened.store, element })
  const uploadId = await begin(opened)
  const old = await sendAll(opened, uploadId)
  digests.partKept(uploadId)
  await reading.promise
  const instead = Buffer.alloc(5 * MiB, 42)
  const parts = old.with(0, await send(opened, uploadId, { number: 1, bytes: instead }))
  digests.partKept(uploadId)
  const completing = digests.sha256Of(uploadId, parts, call)
  replaced.resolve()
  assert.equal(await completing, hash('sha256', Buffer.concat(bodies.with(0, instead))))
  await digests.close()
})

test('a part that is replaced after the digest was taken refuses the completion', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const uploadId = await begin(opened)
  const parts = await sendAll(opened, uploadId)
  const instead = Buffer.alloc(5 * MiB, 43)
  const digests = new Proxy(engine.digests, {
    get(target, name) {
      if (name !== 'sha256Of') return Reflect.get(target, name, target)
      return async (...asked: Parameters<RunningDigests['sha256Of']>) => {
        const sha256 = await target.sha256Of(...asked)
        parts[2] = await send(opened, uploadId, { number: 3, bytes: instead })
        return sha256
      }
    },
  })
  const wanted = { bucket, key, uploadId }
  const late = completeUpload({ ...engine, digests }, call, { ...wanted, parts: named(parts) })
  await refusedWith(late, 'PART_INVALID')
  const object = await completeUpload(engine, call, { ...wanted, parts: named(parts) })
  assert.equal(object.version.sha256, hash('sha256', Buffer.concat(bodies.with(2, instead))))
})

/** The engine without what was read ahead, and with slow reads that are counted. */
function withSlowReads({ store, engine }: TestStore, onRead?: (reads: number) => void) {
  const count = { reads: 0, atOnce: 0, most: 0 }
  const element = readsOf(store.element, read => async (...wanted) => {
    count.reads += 1
    onRead?.(count.reads)
    count.atOnce += 1
    count.most = Math.max(count.most, count.atOnce)
    for (let turns = 0; turns < 5; turns += 1) await turn()
    count.atOnce -= 1
    return await read(...wanted)
  })
  return { count, engine: { ...engine, digests: new RunningDigests({ ...store, element }) } }
}

test('completions of one upload at once read it one time, and all hear the same', async () => {
  await using opened = await openTestStore()
  const { count, engine } = withSlowReads(opened)
  const uploadId = await begin(opened)
  const parts = named(await sendAll(opened, uploadId))
  const wanted = { bucket, key, uploadId, parts }
  const asked = Array.from({ length: 20 }, () => completeUpload(engine, opened.call, wanted))
  const counted = countTurns()
  const told = asked.map(async one => ({ ...(await one), turn: counted.now() }))
  const versions = await Promise.all(told)
  counted.stop()
  assert.equal(new Set(versions.map(({ versionId }) => versionId)).size, 1)
  assert.equal(new Set(versions.map(({ turn }) => turn)).size, 20, 'told one in each turn')
  assert.equal(count.reads, parts.length)
})

test('who leaves in the middle of a completion leaves it to the next who waits', async () => {
  await using opened = await openTestStore()
  const leaving = [0, 1].map(() => new AbortController())
  const { count, engine } = withSlowReads(opened, reads => {
    if (reads === 2) for (const one of leaving) one.abort()
  })
  const uploadId = await begin(opened)
  const parts = named(await sendAll(opened, uploadId))
  const wanted = { bucket, key, uploadId, parts }
  const left = leaving.map(({ signal }) =>
    assert.rejects(completeUpload(engine, { ...opened.call, signal }, wanted), /aborted/),
  )
  const stays = completeUpload(engine, opened.call, wanted)
  await Promise.all(left)
  const content = hash('sha256', Buffer.concat(bodies))
  assert.equal((await stays).version.sha256, content)
  assert.equal(count.reads, 2 + parts.length)
})

test('a caller who completes many uploads has one part read at a time', async () => {
  await using opened = await openTestStore()
  const { count, engine } = withSlowReads(opened)
  const all = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const uploadId = await begin(opened)
      return { uploadId, parts: await sendAll(opened, uploadId) }
    }),
  )
  const take = ({ uploadId, parts }: (typeof all)[number], id: string) =>
    engine.digests.sha256Of(uploadId, parts, callOf({ id }))
  await Promise.all(all.map(one => take(one, 'a')))
  assert.deepEqual([count.reads, count.most], [4 * bodies.length, 1])
  await Promise.all(all.map((one, at) => take(one, `${at}`)))
  assert.equal(count.most, 4, 'nobody waits for another')
})

test('nothing is read for an upload of one part that was completed', async () => {
  await using opened = await openTestStore()
  const count = counted(opened.store.element)
  const digests = new RunningDigests({ ...opened.store, element: count.element })
  const uploadId = await begin(opened)
  const part = await send(opened, uploadId, { number: 1, bytes: Buffer.alloc(MiB, 1) })
  digests.partKept(uploadId)
  assert.equal(await digests.sha256Of(uploadId, [part], call), part.sha256)
  await delay(20)
  assert.equal(count.reads, 0)
  await digests.close()
})

test('parts sent, sent again and completed in any mixture have their digest', async () => {
  await using opened = await openTestStore()
  const random = new SeededRandom(runSeed())
  const slowly = readsOf(opened.store.element, read => async (...wanted) => {
    for (let turns = random.below(4); turns > 0; turns -= 1) await turn()
    return await read(...wanted)
  })
  let digests = new RunningDigests({ ...opened.store, element: slowly })
  for (let round = 0; round < 12; round += 1) {
    const uploadId = await begin(opened)
    const sent = new Map<number, { readonly part: UploadPart; readonly bytes: Buffer }>()
    const sendOne = async () => {
      const number = 1 + random.below(6)
      const bytes = Buffer.alloc(1 + random.below(400_000), random.below(256))
      const part = await send(opened, uploadId, { number, bytes })
      digests.partKept(uploadId)
      return { part, bytes }
    }
    for (let step = 0; step < 8; step += 1) {
      const several = Array.from({ length: 1 + random.below(3) }, sendOne)
      for (const one of await Promise.all(several)) {
        const known = sent.get(one.part.number)
        if (known === undefined || known.part.seq < one.part.seq) sent.set(one.part.number, one)
      }
      // As after a restart.
      if (random.below(12) === 0) digests = new RunningDigests({ ...opened.store, element: slowly })
      if (random.below(3) > 0) continue
      const named = [...sent].sort(([one], [other]) => one - other)
      const chosen = named.filter(() => random.below(4) > 0).map(([, one]) => one)
      const asked = [0, 1].map(() =>
        digests.sha256Of(
          uploadId,
          chosen.map(({ part }) => part),
          call,
        ),
      )
      const wanted = hash('sha256', Buffer.concat(chosen.map(({ bytes }) => bytes)))
      assert.deepEqual(await Promise.all(asked), [wanted, wanted], `round ${round}, step ${step}`)
    }
  }
  await digests.close()
})
