import { hash } from 'node:crypto'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { BlobPart } from '@holdfast/core/objects.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { BlobFacts, Element, Staged } from '@holdfast/core/ports/element.ts'
import type { Asset } from '@holdfast/core/records.ts'
import {
  newAsset,
  newBucket,
  newId,
  newPart,
  newTime,
  newUpload,
  versionOf,
} from '../catalog/records.ts'
import { bodySource } from '../self-describing-bodies.ts'
import type { ScriptResult, Step } from '../test-transactions.ts'
import type { History, Intent, Operation, Outcome } from './history.ts'

/** A whole store, as far as crash tests need it. */
export interface OpenedStore {
  readonly catalog: Catalog
  readonly element: Element
  close(): Promise<void>
}

const bucketName = 'crash'

/** Plays a client: keeps the history of what it asked for and what it was told. */
export class StoreActor {
  readonly #store: OpenedStore
  readonly #history: History
  readonly #cut: () => boolean
  /** Why the last `no` was a no, for reports. */
  lastRefusal = ''

  /** `cut` tells whether the power is gone: no answer reaches anybody then. */
  constructor(store: OpenedStore, history: History, cut: () => boolean = () => false) {
    this.#store = store
    this.#history = history
    this.#cut = cut
  }

  /** The bucket that all keys are in; made when it is not there. */
  async bucketId(): Promise<string> {
    const known = await this.#store.catalog.view.buckets.byName(bucketName)
    if (known !== undefined) return known.id
    const record = newBucket({ name: bucketName })
    await this.#write([
      { do: 'bucket', record },
      { do: 'note', change: { what: 'bucket.created', bucketId: record.id } },
    ])
    return record.id
  }

  async put(key: string, size: number, body?: number): Promise<Outcome> {
    const number = this.#history.operations.length + 1
    const intent = { kind: 'put', body: body ?? number, size } as const
    return await this.#perform(key, intent, async operation => {
      const staging = this.#store.element.staging
      if (staging === undefined) throw new Error('the element stages nothing')
      const staged = await staging.stage(bodySource(intent.body, size, 10_000), { length: size })
      try {
        const { sha256, md5, blockBytes, sums } = staged
        const facts = { sha256, md5, size, blockBytes, sums }
        const keep = { do: 'keep', facts, location: null } as const
        await this.#write([keep, ...(await this.#putSteps(key, operation, facts))], [staged])
      } finally {
        await staged.discard()
      }
    })
  }

  /** The same in parts, none of which may be seen before the last write. */
  async putInParts(key: string, sizes: readonly number[]): Promise<Outcome> {
    const number = this.#history.operations.length + 1
    const size = sizes.reduce((sum, one) => sum + one, 0)
    const intent = { kind: 'put', body: number, size } as const
    return await this.#perform(key, intent, async operation => {
      const bytes = Buffer.concat(await Array.fromAsync(bodySource(number, size, 10_000)))
      const upload = await this.#begin(key)
      const parts: BlobPart[] = []
      for (const [index, length] of sizes.entries()) {
        const at = parts.reduce((sum, part) => sum + part.size, 0)
        parts.push(await this.#part(upload, index + 1, bytes.subarray(at, at + length)))
      }
      const blob = { sha256: hash('sha256', bytes), size, parts }
      const steps = await this.#putSteps(key, operation, blob)
      await this.#write([
        { do: 'remove', what: 'upload', id: upload },
        { do: 'compose', blob },
        ...steps,
      ])
    })
  }

  /** An upload that nobody completes: nothing of it is ever seen, and its parts may go. */
  async abandonParts(key: string, size: number): Promise<void> {
    const upload = await this.#begin(key)
    const bytes = Buffer.concat(await Array.fromAsync(bodySource(0, size, 10_000)))
    await this.#part(upload, 1, bytes)
    await this.#part(upload, 1, bytes.subarray(1))
    await this.#write([
      { do: 'remove', what: 'upload', id: upload },
      { do: 'note', change: { what: 'upload.removed' } },
    ])
  }

  async #begin(key: string): Promise<string> {
    const record = newUpload({ bucketId: await this.bucketId(), key })
    await this.#write([
      { do: 'upload', record },
      { do: 'note', change: { what: 'upload.created', bucketId: record.bucketId } },
    ])
    return record.id
  }

  async #part(uploadId: string, number: number, bytes: Uint8Array): Promise<BlobPart> {
    const staging = this.#store.element.staging
    if (staging === undefined) throw new Error('the element stages nothing')
    const staged = await staging.stage(one(bytes), { length: bytes.length })
    try {
      const { sha256, md5, size, blockBytes, sums } = staged
      const facts = { sha256, md5, size, blockBytes, sums }
      const record = newPart({ uploadId, number, sha256, size })
      await this.#write(
        [
          { do: 'keep', facts, location: null },
          { do: 'part', record },
          { do: 'note', change: { what: 'part.created' } },
        ],
        [staged],
      )
      return { sha256, size }
    } finally {
      await staged.discard()
    }
  }

  async tag(key: string): Promise<Outcome> {
    return await this.#perform(key, { kind: 'tag' }, async ({ number }) => {
      const asset = await this.#asset(key)
      if (asset === undefined) return
      const metadata = { ...asset.metadata, tag: number }
      await this.#write([
        { do: 'asset', record: { ...asset, metadata, seq: 0 } },
        { do: 'note', change: { what: 'asset.updated', assetId: asset.id } },
      ])
    })
  }

  async delete(key: string): Promise<Outcome> {
    return await this.#perform(key, { kind: 'delete' }, async ({ number }) => {
      const asset = await this.#asset(key)
      if (asset === undefined) return
      const lastNumber = asset.lastNumber + 1
      const marker = {
        id: newId(),
        number: lastNumber,
        kind: 'marker',
        sha256: '',
        size: 0,
      } as const
      const metadata = { operation: number }
      await this.#write([
        { do: 'version', record: versionOf(asset, { ...marker, change: 'delete', metadata }) },
        { do: 'asset', record: { ...asset, lastNumber, deletedAt: newTime(), seq: 0 } },
        { do: 'note', change: { what: 'asset.deleted', assetId: asset.id } },
      ])
    })
  }

  async destroy(key: string): Promise<Outcome> {
    return await this.#perform(key, { kind: 'destroy' }, async () => {
      const asset = await this.#asset(key)
      if (asset === undefined) return
      const query = { assetId: asset.id, deleted: 'with', limit: 1000 } as const
      const versions = await this.#store.catalog.view.versions.list(query)
      await this.#write([
        ...versions.map(({ id }): Step => ({ do: 'remove', what: 'version', id })),
        { do: 'remove', what: 'asset', id: asset.id },
        { do: 'note', change: { what: 'asset.removed', assetId: asset.id } },
      ])
    })
  }

  /** Removes every blob that nothing refers to; keys do not change by it. */
  async collect(): Promise<void> {
    const query = { before: '2200-01-01T00:00:00.000Z', limit: 100 }
    const dead = await this.#store.catalog.view.blobs.dead(query)
    if (dead.length === 0) return
    await this.#write([
      ...dead.map(({ sha256 }): Step => ({ do: 'remove', what: 'blob', id: sha256 })),
      { do: 'note', change: { what: 'blob.removed', detail: { blobs: dead.length } } },
    ])
  }

  /** Gives back the space of what is gone, where the element knows how. */
  async reclaim(): Promise<void> {
    await this.#store.element.reclaim?.()
  }

  /** A write that is refused at its end: nothing of it may ever be seen. */
  async refused(key: string, size: number): Promise<void> {
    const operation = this.#history.begin(key, { kind: 'put', body: 0, size })
    // Even without an answer it cannot have happened.
    operation.outcome = 'no'
    const staging = this.#store.element.staging
    if (staging === undefined) throw new Error('the element stages nothing')
    const staged = await staging.stage(bodySource(operation.number, size, 10_000), {})
    try {
      const { sha256, md5, blockBytes, sums } = staged
      const facts = { sha256, md5, size, blockBytes, sums }
      const steps = await this.#putSteps(key, operation, facts)
      const keep = { do: 'keep', facts, location: null } as const
      const failing = this.#write(
        [keep, ...steps, { do: 'refuse', code: 'QUOTA_EXCEEDED' }],
        [staged],
      )
      await failing.catch(error => {
        if (!isHoldfastError(error) || error.code !== 'QUOTA_EXCEEDED') throw error
      })
    } finally {
      await staged.discard()
    }
  }

  async #putSteps(
    key: string,
    operation: Operation,
    facts: Pick<BlobFacts, 'sha256' | 'size'>,
  ): Promise<Step[]> {
    const { number, intent } = operation
    const body = intent.kind === 'put' ? intent.body : 0
    const { sha256, size } = facts
    const before = await this.#asset(key)
    const bucketId = before?.bucketId ?? (await this.bucketId())
    const lastNumber = (before?.lastNumber ?? 0) + 1
    const shown = { versionId: newId(), versionNumber: lastNumber, lastNumber, sha256, size }
    const metadata = { creator: before?.metadata.creator ?? number, tag: number }
    const base = before ?? newAsset({ bucketId, key })
    const record: Asset = { ...base, ...shown, metadata, deletedAt: null, seq: 0 }
    const version = versionOf(record, { metadata: { operation: number, body } })
    return [
      { do: 'asset', record },
      { do: 'version', record: version },
      { do: 'note', change: { what: 'version.created', bucketId, assetId: record.id } },
    ]
  }

  async #perform(
    key: string,
    intent: Intent,
    act: (operation: Operation) => Promise<void>,
  ): Promise<Outcome> {
    const operation = this.#history.begin(key, intent)
    try {
      await act(operation)
      operation.outcome = 'ok'
    } catch (error) {
      operation.outcome = this.#cut() ? 'unknown' : outcomeOf(error)
      this.lastRefusal = chainOf(error)
      if (operation.outcome === 'unknown') throw error
    }
    return operation.outcome
  }

  async #asset(key: string): Promise<Asset | undefined> {
    const { view } = this.#store.catalog
    const bucket = await view.buckets.byName(bucketName)
    return bucket === undefined ? undefined : await view.assets.byKey(bucket.id, key)
  }

  async #write(steps: readonly Step[], staged: readonly Staged[] = []): Promise<ScriptResult> {
    const options = { actor: 'tester', requestId: 'crash', staged }
    return (await this.#store.catalog.write('script', steps, options)) as ScriptResult
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await undefined
  if (bytes.length > 0) yield bytes
}

/** Ours, but for the code that says so, mean that nothing happened (C3). */
function outcomeOf(error: unknown): Outcome {
  return isHoldfastError(error) && error.code !== 'OUTCOME_UNKNOWN' ? 'no' : 'unknown'
}

function chainOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = isHoldfastError(error) ? `${error.code} ` : ''
  const cause = error.cause === undefined ? '' : `, by ${chainOf(error.cause)}`
  return `${code}${error.message}${cause}`
}
