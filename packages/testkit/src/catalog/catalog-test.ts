import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { BlobFacts, Staged } from '@holdfast/core/ports/element.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import type { ScriptResult, Step } from '../test-transactions.ts'
import { newAsset, newBucket, versionOf } from './records.ts'
import type { CatalogUnderTest, OpenCatalog } from './under-test.ts'

export function catalogTest(
  open: OpenCatalog,
  name: string,
  body: (desk: Desk) => Promise<void>,
): void {
  test(name, async () => {
    const under = await open()
    try {
      const desk = new Desk(under)
      await body(desk)
      // C10, of whatever the test has made: what is sound is not called unsound.
      assert.deepEqual(await Array.fromAsync(desk.catalog.check?.() ?? []), [])
    } finally {
      await under.close()
    }
  })
}

/** Writes to a catalog under test, by scripts. */
export class Desk {
  readonly under: CatalogUnderTest
  catalog: Catalog

  constructor(under: CatalogUnderTest) {
    this.under = under
    this.catalog = under.catalog
  }

  get view() {
    return this.catalog.view
  }

  async write(steps: readonly Step[], staged: readonly Staged[] = []): Promise<ScriptResult> {
    const options = { actor: 'tester', requestId: 'request-1', staged }
    return (await this.catalog.write('script', steps, options)) as ScriptResult
  }

  async run(name: string, args: unknown): Promise<unknown> {
    return await this.catalog.write(name, args, { actor: 'tester', requestId: 'request-1' })
  }

  /** The record as the catalog has it after the write. */
  async writeOne<T>(steps: readonly Step[]): Promise<T> {
    const { records } = await this.write(steps)
    return records[0] as T
  }

  async bucket(given: Partial<Bucket> & { name: string }): Promise<Bucket> {
    const record = newBucket(given)
    const change = { what: 'bucket.created', bucketId: record.id } as const
    return await this.writeOne([
      { do: 'bucket', record },
      { do: 'note', change },
    ])
  }

  /** An asset with one version of the given text. */
  async asset(
    given: Partial<Asset> & { bucketId: string; key: string },
    content = given.key,
  ): Promise<{ asset: Asset; version: Version }> {
    const { steps, staged } = await this.assetSteps(given, content)
    try {
      const { records } = await this.write(steps, staged)
      return { asset: records[0] as Asset, version: records[1] as Version }
    } finally {
      for (const each of staged) await each.discard()
    }
  }

  async assetSteps(
    given: Partial<Asset> & { bucketId: string; key: string },
    content: string,
  ): Promise<{ steps: Step[]; staged: Staged[]; record: Asset }> {
    const { keep, staged, facts } = await this.content(content)
    const { sha256, size } = facts
    const record = newAsset({ sha256, size, ...given })
    const version = versionOf(record)
    const ids = { bucketId: record.bucketId, assetId: record.id, versionId: version.id }
    const steps: Step[] = [
      keep,
      { do: 'asset', record },
      { do: 'version', record: version },
      { do: 'note', change: { what: 'asset.created', ...ids } },
    ]
    return { steps, staged, record }
  }

  /** Staged bytes where the catalog carries bytes, else a blob that lies elsewhere. */
  async content(text: string): Promise<{ keep: Step; staged: Staged[]; facts: BlobFacts }> {
    const bytes = Buffer.from(text)
    const { staging } = this.under
    if (staging !== undefined) {
      const staged = await staging.stage(one(bytes), {})
      const { sha256, md5, size, blockBytes, sums } = staged
      const facts = { sha256, md5, size, blockBytes, sums }
      return { keep: { do: 'keep', facts, location: null }, staged: [staged], facts }
    }
    const sums = Buffer.alloc(bytes.length === 0 ? 0 : 4)
    if (bytes.length > 0) sums.writeUInt32LE(crc32(bytes))
    const sha256 = hash('sha256', bytes)
    const facts = { sha256, md5: null, size: bytes.length, blockBytes: 65_536, sums }
    return { keep: { do: 'keep', facts, location: `elsewhere:${sha256}` }, staged: [], facts }
  }

  /** Puts an asset again with some fields changed. */
  async update(asset: Asset, changes: Partial<Asset>): Promise<Asset> {
    const record = { ...asset, ...changes, seq: 0 }
    const change = { what: 'asset.updated', assetId: asset.id } as const
    return await this.writeOne([
      { do: 'asset', record },
      { do: 'note', change },
    ])
  }
}

export async function rejectsWith(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isHoldfastError(error), `not one of ours: ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })
}

export function keysOf(assets: readonly Asset[]): string[] {
  return assets.map(({ key }) => key)
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await undefined
  if (bytes.length > 0) yield bytes
}
