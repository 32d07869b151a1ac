import { createKey, revokeKey } from '@holdfast/engine/access/keys/keys.ts'
import { addLink } from '@holdfast/engine/assets/links.ts'
import { copyAsset, moveAsset } from '@holdfast/engine/assets/move.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAsset, restoreAsset } from '@holdfast/engine/assets/remove.ts'
import { putBatch, stageUpload } from '@holdfast/engine/assets/stage.ts'
import { mergeMetadata } from '@holdfast/engine/assets/update.ts'
import { createBucket, updateBucket } from '@holdfast/engine/buckets/buckets.ts'
import { removeBucket } from '@holdfast/engine/buckets/remove-bucket.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { removeQuota, setQuota } from '@holdfast/engine/quotas/quotas.ts'
import { pruneVersions } from '@holdfast/engine/versions/prune.ts'
import { removeVersion } from '@holdfast/engine/versions/remove.ts'
import { rollbackVersion } from '@holdfast/engine/versions/rollback.ts'
import { tagVersion } from '@holdfast/engine/versions/update.ts'
import { bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import type { OpenedEngine } from './engine-lab.ts'
import { keepEveryKind } from './kinds-day.ts'

export interface Day {
  /** Done before the first cut. */
  prepare?(opened: OpenedEngine): Promise<void>
  run(opened: OpenedEngine, forgetOlder: () => void): Promise<void>
}

const bucket = 'days'
const ownerId = '00000000-0000-4000-8000-000000000000'
const small = 300
const large = 9000
const dayMs = 25 * 60 * 60 * 1000

let bodies = 0

/** Puts a body of its own, or an earlier one again; answers the id of the asset. */
export async function put(opened: OpenedEngine, key: string, size: number, body?: number) {
  bodies += 1
  const source = bodySource(body ?? bodies, size, 10_000)
  const fields = { bucket, key, service: 'torture', ownerId, mode: 'replace' } as const
  const { asset } = await putAsset(opened.engine, opened.call, { ...fields, source })
  await opened.clock.advance(1000)
  return asset.id
}

async function makeBucket({ engine, call }: OpenedEngine): Promise<void> {
  await createBucket(engine, call, { name: bucket })
}

/** Collects all that is dead by now, and gives the space back. */
export async function collect(opened: OpenedEngine, forgetOlder: () => void): Promise<void> {
  await opened.clock.advance(dayMs)
  await collectGarbage(opened.engine)
  forgetOlder()
  await opened.engine.element.reclaim?.()
}

/**
 * Scripted days through the engine, one request after the other: each commit is a step whose
 * before and after are the only states that a cut may leave.
 */
export const engineDays: Readonly<Record<string, Day>> = {
  'a bucket, its settings and its end': {
    async run(opened) {
      const { engine, call } = opened
      await makeBucket(opened)
      await updateBucket(engine, call, bucket, { versioning: 'disabled' })
      const id = await put(opened, 'a', small)
      await put(opened, 'a', small)
      await removeAsset(engine, call, id, { hard: true })
      await removeBucket(engine, call, bucket)
    },
  },
  'put, overwrite, delete, restore': {
    prepare: makeBucket,
    async run(opened) {
      const { engine, call } = opened
      const id = await put(opened, 'a', small)
      await put(opened, 'a', large)
      await removeAsset(engine, call, id)
      await restoreAsset(engine, call, id)
      await put(opened, 'a', 0)
      await removeAsset(engine, call, id)
      await put(opened, 'a', small, 1)
    },
  },
  'purge and the key again': {
    prepare: makeBucket,
    async run(opened, forgetOlder) {
      const { engine, call } = opened
      const id = await put(opened, 'a', small)
      await put(opened, 'a', large)
      await removeAsset(engine, call, id, { hard: true })
      forgetOlder()
      // What is dead for less than its grace period stays, whatever is given back.
      await engine.element.reclaim?.()
      await put(opened, 'a', small + 1)
      await collect(opened, forgetOlder)
      await put(opened, 'a', large, 2)
    },
  },
  'move and rename': {
    prepare: makeBucket,
    async run(opened) {
      const { engine, call } = opened
      await createBucket(engine, call, { name: 'other' })
      const id = await put(opened, 'a', small)
      await moveAsset(engine, call, id, { key: 'b' })
      await moveAsset(engine, call, id, { bucket: 'other' })
      await put(opened, 'a', large)
      await moveAsset(engine, call, id, { bucket, key: 'c', name: 'new name' })
    },
  },
  'copies share bytes': {
    prepare: makeBucket,
    async run(opened, forgetOlder) {
      const { engine, call } = opened
      const id = await put(opened, 'a', large)
      const copy = await copyAsset(engine, call, id, { key: 'b' })
      await removeAsset(engine, call, id, { hard: true })
      await collect(opened, forgetOlder)
      await copyAsset(engine, call, copy.id, { key: 'a' })
      await removeAsset(engine, call, copy.id, { hard: true })
    },
  },
  'a batch, all or none': {
    prepare: makeBucket,
    async run(opened) {
      const { engine, call } = opened
      const sizes = [small, large, 0, small + 1, large + 1]
      const items = []
      for (const [at, size] of sizes.entries()) {
        bodies += 1
        const upload = await stageUpload(engine, call, bodySource(bodies, size, 10_000))
        const fields = { bucket, key: `k${at}`, service: 'torture', ownerId } as const
        items.push({ upload, input: { ...fields, mode: 'create' as const } })
      }
      try {
        await putBatch(engine, call, items, { atomic: true })
      } finally {
        for (const { upload } of items) await upload.discard()
      }
      await put(opened, 'k1', small)
    },
  },
  'versions: rollback, tags, prune, removal': {
    prepare: makeBucket,
    async run(opened, forgetOlder) {
      const { engine, call } = opened
      const assetId = await put(opened, 'a', small)
      for (const size of [large, small + 1, small + 2]) await put(opened, 'a', size)
      await rollbackVersion(engine, call, { assetId, version: 1 })
      await tagVersion(engine, call, { assetId, version: 2 }, { name: 'kept' })
      await removeVersion(engine, call, { assetId, version: 3 })
      await pruneVersions(engine, call, assetId, { keep: 2 })
      await collect(opened, forgetOlder)
      await rollbackVersion(engine, call, { assetId, version: 2 })
    },
  },
  'metadata and links': {
    prepare: makeBucket,
    async run(opened) {
      const { engine, call } = opened
      const a = await put(opened, 'a', small)
      const b = await put(opened, 'b', small)
      await mergeMetadata(engine, call, a, { one: 1, text: 'x'.repeat(3000) })
      await addLink(engine, call, a, { type: 'to', to: b })
      await mergeMetadata(engine, call, a, { one: null, two: 2 })
      await removeAsset(engine, call, b, { hard: true })
    },
  },
  'quotas and keys': {
    prepare: makeBucket,
    async run(opened) {
      const { engine, call } = opened
      const scope = { scope: 'bucket', name: bucket } as const
      await setQuota(engine, call, scope, { assetsMax: 2, bytesMax: 20_000 })
      await put(opened, 'a', small)
      const made = { name: 'reader', permissions: ['assets:read'] }
      const { key } = await createKey(engine, call, made)
      await put(opened, 'b', large)
      const refused = await put(opened, 'c', small).then(
        () => false,
        () => true,
      )
      if (!refused) throw new Error('the quota let a third asset in')
      await revokeKey(engine, call, key.id)
      await removeQuota(engine, call, scope)
      await put(opened, 'c', small)
    },
  },
  'garbage collection and compaction': {
    prepare: makeBucket,
    async run(opened, forgetOlder) {
      const { engine, call } = opened
      const ids: string[] = []
      for (let i = 0; i < 8; i += 1) ids.push(await put(opened, `k${i}`, 3900 - i))
      for (const at of [0, 2, 3, 5, 6]) {
        await removeAsset(engine, call, ids[at] ?? '', { hard: true })
      }
      await collect(opened, forgetOlder)
      await put(opened, 'k2', 3900)
      await put(opened, 'k3', large)
      await collect(opened, forgetOlder)
    },
  },
  'removals outlive the pack they stand in': {
    prepare: makeBucket,
    async run(opened, forgetOlder) {
      const { engine, call } = opened
      const gone = await put(opened, 'gone', small)
      // The first pack stays, since most of it is live; the second has little but the removal.
      for (let i = 0; i < 5; i += 1) await put(opened, `live${i}`, 3900 - i)
      const dead: string[] = []
      for (let i = 0; i < 3; i += 1) dead.push(await put(opened, `dead${i}`, 3800 - i))
      await removeAsset(engine, call, gone, { hard: true })
      for (let i = 3; i < 6; i += 1) dead.push(await put(opened, `dead${i}`, 3800 - i))
      for (const id of dead) await removeAsset(engine, call, id, { hard: true })
      for (let i = 5; i < 9; i += 1) await put(opened, `live${i}`, 3700 - i)
      await collect(opened, forgetOlder)
      await put(opened, 'last', small)
    },
  },
  'records of every kind outlive their pack': {
    prepare: makeBucket,
    async run(opened, forgetOlder) {
      await keepEveryKind(opened, {
        bucket,
        put: (key, size) => put(opened, key, size),
        collect: () => collect(opened, forgetOlder),
      })
    },
  },
  'packs that fill up': {
    prepare: makeBucket,
    async run(opened) {
      for (let i = 0; i < 16; i += 1) await put(opened, `k${i % 6}`, 3900 - i)
    },
  },
}
