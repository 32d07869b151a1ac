import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkTotals, dump } from '@holdfast/testkit/catalog/dump.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { collectGarbage } from '../integrity/collect.ts'
import { completeUpload } from '../multipart/complete-upload.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { createUpload } from '../multipart/uploads.ts'
import { bytesOf, openTestStore, type TestStore, textOf } from '../test-store.test.ts'
import { copyObject } from './copy-object.ts'
import { getObject } from './find-object.ts'
import { listObjects, listObjectVersions } from './list-objects.ts'
import { putObject } from './put-object.ts'
import { readObject } from './read-object.ts'
import { removeObject } from './remove-object.ts'

/**
 * Random histories from a seed against a model of what AWS documents for versioned, suspended and
 * unversioned buckets: the list of versions must be that of the model after every step.
 */
const bucket = 'model'
const KEYS = ['a', 'a/b', 'ä', '//']

interface ModelVersion {
  readonly id: string
  /** Null: a marker. */
  readonly text: string | null
}

class Model {
  versioning: 'disabled' | 'enabled' | 'suspended' = 'disabled'
  readonly keys = new Map<string, ModelVersion[]>()

  versions(key: string): ModelVersion[] {
    return this.keys.get(key) ?? []
  }

  add(key: string, version: ModelVersion): void {
    const others = this.versions(key).filter(({ id }) => id !== version.id)
    this.keys.set(key, [version, ...others])
  }

  remove(key: string, id: string): void {
    this.keys.set(
      key,
      this.versions(key).filter(version => version.id !== id),
    )
  }

  get listed(): string[] {
    const keys = [...this.keys.keys()].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    )
    return keys.flatMap(key =>
      this.versions(key).map(({ id, text }, index) => {
        return `${key} ${id} ${text === null ? 'marker' : 'content'}${index === 0 ? ' latest' : ''}`
      }),
    )
  }
}

async function step(opened: TestStore, model: Model, random: SeededRandom): Promise<string> {
  const { engine, call } = opened
  const key = random.pick(KEYS)
  const text = random.pick(['', 'one', 'two', 'three '.repeat(60_000)])
  const what = random.pick([...STEPS])
  switch (what) {
    case 'put': {
      const source = bytesOf(text)
      const { versionId } = await putObject(engine, call, { bucket, key, source, facets: {} })
      model.add(key, { id: versionId, text })
      return what
    }
    case 'upload': {
      const { id: uploadId } = await createUpload(engine, call, { bucket, key, facets: {} })
      const address = { bucket, key, uploadId }
      const part = await uploadPart(engine, call, { ...address, number: 1, source: bytesOf(text) })
      const parts = [{ number: 1, etag: part.md5 }]
      const { versionId } = await completeUpload(engine, call, { ...address, parts })
      model.add(key, { id: versionId, text })
      return what
    }
    case 'copy': {
      const from = random.pick(KEYS)
      const [source] = model.versions(from)
      if (source?.text == null || from === key) return 'nothing'
      const input = { from: { bucket, key: from }, to: { bucket, key } }
      const copied = await copyObject(engine, call, {
        ...input,
        replaceMetadata: false,
        facets: {},
      })
      model.add(key, { id: copied.object.versionId, text: source.text })
      return what
    }
    case 'delete': {
      const { versionId } = await removeObject(engine, call, { bucket, key })
      if (model.versioning === 'disabled') model.keys.delete(key)
      else model.add(key, { id: versionId ?? '', text: null })
      return what
    }
    case 'deleteVersion': {
      const version = model.versions(key)[random.below(4)]
      if (version === undefined) return 'nothing'
      const removed = await removeObject(engine, call, { bucket, key, versionId: version.id })
      assert.equal(removed.deleteMarker, version.text === null)
      model.remove(key, version.id)
      return what
    }
    default: {
      const versioning = random.pick(['enabled', 'suspended'] as const)
      await updateBucket(engine, call, bucket, { versioning })
      model.versioning = versioning
      return what
    }
  }
}

const STEPS = ['put', 'put', 'upload', 'copy', 'delete', 'deleteVersion', 'versioning'] as const

async function compare({ engine, call }: TestStore, model: Model): Promise<void> {
  const list = await listObjectVersions(engine, call, { bucket, limit: 1000 })
  const listed = list.versions.map(
    ({ asset, versionId, isMarker, isLatest }) =>
      `${asset.key} ${versionId} ${isMarker ? 'marker' : 'content'}${isLatest ? ' latest' : ''}`,
  )
  assert.deepEqual(listed, model.listed)
  const { objects } = await listObjects(engine, call, { bucket, limit: 1000 })
  const shown = [...model.keys].flatMap(([key, [first]]) => (first?.text == null ? [] : [key]))
  assert.deepEqual(new Set(objects.map(({ asset }) => asset.key)), new Set(shown))
}

async function readAll({ engine, call }: TestStore, model: Model): Promise<void> {
  for (const [key, versions] of model.keys) {
    for (const { id, text } of versions) {
      if (text === null) continue
      const object = await getObject(engine, call, { bucket, key, versionId: id })
      assert.equal(await textOf(await readObject(engine, object)), text)
    }
  }
}

describe('random histories of objects', () => {
  for (const seed of [1, 2, 3]) {
    it(`of seed ${seed} are those of the model, live and rebuilt`, async () => {
      let opened = await openTestStore()
      try {
        const settings = { versioning: 'disabled' } as const
        await createBucket(opened.engine, opened.call, { name: bucket, settings })
        const random = new SeededRandom(seed)
        const model = new Model()
        const done = new Set<string>()
        for (let round = 0; round < 3; round += 1) {
          for (let n = 0; n < 60; n += 1) {
            done.add(await step(opened, model, random))
            await compare(opened, model)
            await opened.clock.advance(1)
          }
          await opened.clock.advance(2 * 24 * 60 * 60 * 1000)
          await collectGarbage(opened.engine)
          await readAll(opened, model)
          const before = await dump(opened.engine.catalog.view)
          checkTotals(before)
          opened = await opened.reopen('rebuild')
          assert.deepEqual(await dump(opened.engine.catalog.view), before)
        }
        assert.equal(done.size, new Set(STEPS).size + 1)
      } finally {
        await opened[Symbol.asyncDispose]()
      }
    })
  }
})
