import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Bucket, JsonObject } from '@holdfast/core/records.ts'
import { authorize } from '@holdfast/engine/access/decide.ts'
import { createKey, listKeys, revokeKey } from '@holdfast/engine/access/keys/keys.ts'
import {
  createBucket,
  getBucket,
  listBuckets,
  updateBucket,
} from '@holdfast/engine/buckets/buckets.ts'
import { updateAndGive } from '@holdfast/engine/buckets/give-bucket.ts'
import { removeBucket } from '@holdfast/engine/buckets/remove-bucket.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { type BlobFinding, verifyStore } from '@holdfast/engine/integrity/verify.ts'
import {
  getQuota,
  listQuotas,
  removeQuota,
  scopeUsage,
  setQuota,
} from '@holdfast/engine/quotas/quotas.ts'
import { tellDifference } from '../../http/caller/tell-changed.ts'
import type { Operations } from '../../http/exchange.ts'
import { bucketPatch, bucketWire, quotaWire, unlimitedWire } from './wire/admin-wire.ts'
import { keyWire } from './wire/key-wire.ts'

type Names =
  | 'listBuckets'
  | 'createBucket'
  | 'getBucket'
  | 'updateBucket'
  | 'removeBucket'
  | 'listQuotas'
  | 'getQuota'
  | 'setQuota'
  | 'removeQuota'
  | 'listKeys'
  | 'createKey'
  | 'revokeKey'
  | 'collectGarbage'
  | 'verifyStore'

export const administrationOperations: Pick<Operations, Names> = {
  listBuckets: async ({ context, call, query }) => {
    const { limit = 100, cursor } = query
    const page = await listBuckets(context.engine, call, { limit, after: cursor })
    const items = page.items.map(bucketWire)
    return { items, total: page.total, limit, next_cursor: page.after ?? null }
  },

  createBucket: async ({ context, call, body, reply, request }) => {
    const { name, ...settings } = body
    const input = { name, settings: bucketPatch(settings) }
    reply.header('location', `/api/v2/buckets/${name}`)
    const made = await createBucket(context.engine, call, input)
    request.state.told = { before: null, after: toldOf(made.bucket) }
    return bucketWire(made)
  },

  getBucket: async ({ context, call, params }) => {
    return bucketWire(await getBucket(context.engine, call, params.bucket))
  },

  updateBucket: async exchange => {
    const { context, call, params, body } = exchange
    const { engine } = context
    const { owner_id: ownerId } = body
    const { bucket: name } = params
    const patch = bucketPatch(body)
    const before = await engine.catalog.view.buckets.byName(name)
    const after =
      ownerId === undefined
        ? await updateBucket(engine, call, name, patch)
        : await updateAndGive(engine, call, { name, patch, ownerId })
    tellDifference(exchange, before && toldOf(before), toldOf(after.bucket))
    return bucketWire(after)
  },

  removeBucket: async ({ context, call, params, request }) => {
    const before = await context.engine.catalog.view.buckets.byName(params.bucket)
    await removeBucket(context.engine, call, params.bucket)
    request.state.told = { before: before === undefined ? null : toldOf(before), after: null }
    return undefined
  },

  listQuotas: async ({ context, call }) => {
    const items = (await listQuotas(context.engine, call)).map(quotaWire)
    return { items, total: items.length }
  },

  getQuota: async ({ context, call, params }) => {
    try {
      return quotaWire(await getQuota(context.engine, call, params))
    } catch (error) {
      if (!isHoldfastError(error) || error.code !== 'QUOTA_NOT_FOUND') throw error
      // Nothing is limited, but something is used.
      const usage = await scopeUsage(context.engine, call, params)
      return unlimitedWire(params, usage)
    }
  },

  setQuota: async ({ context, call, params, body, request }) => {
    const ceilings = { bytesMax: body.bytes_max, assetsMax: body.assets_max }
    const before = await context.engine.catalog.view.quotas.get(params.scope, params.name)
    request.state.told = { before: before === undefined ? null : { ...before }, after: { ...body } }
    return quotaWire(await setQuota(context.engine, call, params, ceilings))
  },

  removeQuota: async ({ context, call, params, request }) => {
    const before = await context.engine.catalog.view.quotas.get(params.scope, params.name)
    await removeQuota(context.engine, call, params)
    request.state.told = { before: before === undefined ? null : { ...before }, after: null }
    return undefined
  },

  listKeys: async ({ context, call }) => {
    const items = (await listKeys(context.engine, call)).map(key => keyWire(context.engine, key))
    return { items, total: items.length }
  },

  createKey: async ({ context, call, body, request }) => {
    const { name, permissions, buckets, expires_at: expiresAt } = body
    const input = { name, permissions, buckets, expiresAt }
    const { key, secret } = await createKey(context.engine, call, input)
    request.state.told = { before: null, after: { ...keyWire(context.engine, key) } }
    return { ...keyWire(context.engine, key), key: secret }
  },

  revokeKey: async ({ context, call, params, request }) => {
    const before = await context.engine.catalog.view.keys.byId(params.id)
    await revokeKey(context.engine, call, params.id)
    request.state.told = {
      before: before === undefined ? null : { ...keyWire(context.engine, before) },
      after: null,
    }
    return undefined
  },

  collectGarbage: async ({ context, call, request }) => {
    const { engine } = context
    authorize(call.principal, 'store:admin', {})
    const done = await collectGarbage(engine, { limit: 1_000_000, signal: call.signal })
    const freed = (await engine.element.reclaim?.(call.signal)) ?? 0
    const { deadBlobs } = await engine.catalog.view.blobs.totals()
    const wire = {
      removed_blobs: done.blobs,
      removed_bytes: done.bytes,
      waiting_blobs: deadBlobs,
      freed_bytes: freed,
      stopped: done.stopped,
    }
    request.state.told = wire
    return wire
  },

  verifyStore: async ({ context, call, request }) => {
    authorize(call.principal, 'store:admin', {})
    const report = await verifyStore(context.engine, { signal: call.signal })
    const { missing, damaged, healed, orphaned } = report
    const counts = {
      ok: missing.length === 0 && damaged.length === 0,
      checked_blobs: report.blobs,
      checked_bytes: report.bytes,
    }
    request.state.told = {
      ...counts,
      ...{ missing: missing.length, damaged: damaged.length },
      ...{ healed: healed.length, orphaned: orphaned.length, truncated: report.truncated },
    }
    return {
      ...counts,
      missing: missing.map(finding),
      damaged: damaged.map(finding),
      healed: healed.map(finding),
      orphaned: orphaned.map(finding),
      truncated: report.truncated,
    }
  },
}

/** What the audit log tells of a bucket. */
function toldOf({ name, settings, ownerId }: Bucket): JsonObject {
  return { name, ...settings, owner_id: ownerId }
}

function finding({ sha256, location, size, problem }: BlobFinding) {
  return { sha256, location, size, problem }
}
