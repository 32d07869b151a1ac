import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import type { MultipartUpload } from '@holdfast/core/objects.ts'
import { type Asset, assetTypes, type BriefVersion } from '@holdfast/core/records.ts'
import fc from 'fast-check'
import { runSeed } from '../seeded-random.ts'
import type { Step } from '../test-transactions.ts'
import { Desk } from './catalog-test.ts'
import { checkTotals, dump } from './dump.ts'
import { newAsset, newId, newPart, newTime, newUpload, versionOf } from './records.ts'
import type { CatalogUnderTest, OpenCatalog } from './under-test.ts'

/** One random act; numbers pick among what is there at its time. */
interface Act {
  readonly act:
    | 'asset'
    | 'version'
    | 'marker'
    | 'update'
    | 'delete'
    | 'trash'
    | 'dropVersion'
    | 'dropAsset'
    | 'collect'
    | 'refused'
    | 'upload'
    | 'part'
    | 'complete'
    | 'abort'
  readonly which: number
  readonly content: number
  readonly service: number
  readonly bucket: number
}

const acts = fc.array(
  fc.record({
    act: fc.constantFrom(
      ...(['asset', 'asset', 'version', 'version', 'marker', 'update', 'delete', 'trash'] as const),
      ...(['dropVersion', 'dropAsset', 'collect', 'refused'] as const),
      ...(['upload', 'part', 'part', 'complete', 'complete', 'abort'] as const),
    ),
    which: fc.nat(1000),
    content: fc.nat(5),
    service: fc.nat(2),
    bucket: fc.nat(2),
  }),
  { minLength: 1, maxLength: 40 },
)

export function counterTests(open: OpenCatalog, histories: number): void {
  test('C8 totals equal a recount after any history, live and made again', async t => {
    const seed = runSeed()
    t.diagnostic(`seed ${seed}`)
    const history = fc.asyncProperty(acts, fc.boolean(), async (list, together) => {
      const under = await open()
      try {
        await checkHistory(under, list, together)
      } finally {
        await under.close()
      }
    })
    await fc.assert(history, { seed, numRuns: histories })
  })
}

async function checkHistory(under: CatalogUnderTest, list: Act[], together: boolean) {
  const desk = new Desk(under)
  const buckets: string[] = []
  for (const name of ['bucket-0', 'bucket-1', 'bucket-2']) {
    buckets.push((await desk.bucket({ name })).id)
  }
  const player = new Player(desk, buckets)
  // Together, the acts share commits; each is decided on what is there when it is sent.
  if (together) await Promise.allSettled(list.map(act => player.play(act)))
  else for (const act of list) await player.play(act)
  const found = await dump(desk.view)
  checkTotals(found)
  if (under.rebuild === undefined) return
  desk.catalog = await under.rebuild()
  assert.deepEqual(await dump(desk.view), found)
}

class Player {
  readonly #desk: Desk
  readonly #buckets: readonly string[]
  #keys = 0

  constructor(desk: Desk, buckets: readonly string[]) {
    this.#desk = desk
    this.#buckets = buckets
  }

  async play(act: Act): Promise<void> {
    const assets = await this.#desk.view.assets.list({ deleted: 'with', limit: 1000 })
    const asset = assets[act.which % Math.max(1, assets.length)]
    if (act.act === 'asset') await this.#putAsset(act, [])
    else if (act.act === 'collect') await this.#collect(act)
    else if (isOfUploads(act.act)) await this.#playUpload(act)
    else if (act.act === 'refused') {
      const refusing = this.#putAsset(act, [{ do: 'refuse', code: 'QUOTA_EXCEEDED' }])
      await assert.rejects(refusing, { code: 'QUOTA_EXCEEDED' })
    } else if (asset !== undefined) await this.#change(act, asset)
  }

  async #putAsset(act: Act, last: Step[]): Promise<void> {
    const { steps, staged } = await this.#desk.assetSteps(
      { ...this.#fields(act), key: `key-${this.#keys++}` },
      contents[act.content] ?? '',
    )
    await this.#desk.write([...steps, ...last], staged)
  }

  #fields({ bucket, service, which }: Act) {
    return {
      bucketId: this.#buckets[bucket] ?? '',
      service: `service-${service}`,
      ownerId: `owner-${which % 2}`,
      type: assetTypes[which % assetTypes.length] ?? 'binary',
      tags: [`tag-${which % 3}`, `tag-${which % 4}`].slice(0, which % 3),
      acl: which % 5 === 0 ? { read: ['p1'], write: [] } : null,
    }
  }

  async #change(act: Act, asset: Asset): Promise<void> {
    const desk = this.#desk
    const versions = await desk.view.versions.list({
      assetId: asset.id,
      deleted: 'with',
      limit: 99,
    })
    const version = versions[act.which % Math.max(1, versions.length)]
    switch (act.act) {
      case 'version':
        return await this.#addVersion(act, asset)
      case 'marker': {
        const number = asset.lastNumber + 1
        const given = { id: newId(), number, kind: 'marker', sha256: '', size: 0 } as const
        const deletedAt = newTime()
        return await this.#ignoreRace([
          { do: 'version', record: versionOf(asset, { ...given, change: 'delete' }) },
          { do: 'asset', record: { ...asset, seq: 0, lastNumber: number, deletedAt } },
          { do: 'note', change: { what: 'asset.deleted', assetId: asset.id } },
        ])
      }
      case 'update':
        return await this.#putAgain({ ...asset, ...this.#fields(act) })
      case 'delete':
        return await this.#putAgain({ ...asset, deletedAt: asset.deletedAt ? null : newTime() })
      case 'trash':
        return await this.#putAgain({ ...asset, deletedAt: newTime(), trashed: !asset.trashed })
      case 'dropVersion':
        return version === undefined ? undefined : await this.#drop([version], undefined)
      default:
        return await this.#drop(versions, asset)
    }
  }

  async #addVersion(act: Act, asset: Asset): Promise<void> {
    const { keep, staged, facts } = await this.#desk.content(contents[act.content] ?? '')
    const { sha256, size } = facts
    const number = asset.lastNumber + 1
    const shown = { versionId: newId(), versionNumber: number, lastNumber: number, sha256, size }
    const record = { ...asset, ...shown, seq: 0 }
    await this.#ignoreRace(
      [
        keep,
        { do: 'asset', record },
        { do: 'version', record: versionOf(record, { change: 'update' }) },
        { do: 'note', change: { what: 'version.created', assetId: asset.id } },
      ],
      staged,
    )
  }

  async #playUpload(act: Act): Promise<void> {
    const { view } = this.#desk
    const bucketId = this.#buckets[act.bucket] ?? ''
    if (act.act === 'upload') {
      const record = newUpload({ ...this.#fields(act), bucketId, key: `key-${this.#keys++}` })
      const what = 'upload.created'
      return await this.#ignoreRace([
        { do: 'upload', record },
        { do: 'note', change: { what, bucketId } },
      ])
    }
    const entries = await view.uploads.list({ bucketId, limit: 100 })
    const { upload } = entries[act.which % Math.max(1, entries.length)] ?? {}
    if (upload === undefined) return
    if (act.act === 'complete') return await this.#complete(upload)
    const { keep, staged, facts } = await this.#desk.content(contents[act.content] ?? '')
    const number = 1 + (act.which % 3)
    const part = newPart({ uploadId: upload.id, number, ...facts, md5: 'a'.repeat(32) })
    await this.#ignoreRace(
      act.act === 'part'
        ? [keep, { do: 'part', record: part }, { do: 'note', change: { what: 'part.created' } }]
        : [
            { do: 'remove', what: 'upload', id: upload.id },
            { do: 'note', change: { what: 'upload.removed' } },
          ],
      act.act === 'part' ? staged : [],
    )
  }

  /** The parts become an asset as the engine does it; their content is also put whole elsewhere. */
  async #complete({ id, bucketId, key, service, ownerId }: MultipartUpload): Promise<void> {
    const found = await this.#desk.view.uploads.parts({ uploadId: id, limit: 100 })
    const parts = found.map(({ sha256, size }) => ({ sha256, size }))
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    // Nobody reads these bytes: any digest that is the same for the same parts will do.
    const [only] = parts
    const sha256 = parts.length === 1 ? (only?.sha256 ?? '') : hash('sha256', JSON.stringify(parts))
    const record = newAsset({ bucketId, key, service, ownerId, sha256, size })
    const compose: Step[] =
      parts.length > 1 ? [{ do: 'compose', blob: { sha256, size, parts } }] : []
    if (parts.length === 0) return
    await this.#ignoreRace([
      { do: 'remove', what: 'upload', id },
      ...compose,
      { do: 'asset', record },
      { do: 'version', record: versionOf(record, { isNull: true, object: { uploadId: id } }) },
      { do: 'note', change: { what: 'asset.created', bucketId, assetId: record.id } },
    ])
  }

  async #putAgain(asset: Asset): Promise<void> {
    await this.#ignoreRace([
      { do: 'asset', record: { ...asset, seq: 0 } },
      { do: 'note', change: { what: 'asset.updated', assetId: asset.id } },
    ])
  }

  async #drop(versions: readonly BriefVersion[], asset: Asset | undefined): Promise<void> {
    const steps: Step[] = versions.map(({ id }) => ({ do: 'remove', what: 'version', id }))
    if (asset !== undefined) steps.push({ do: 'remove', what: 'asset', id: asset.id })
    await this.#ignoreRace([...steps, { do: 'note', change: { what: 'version.removed' } }])
  }

  async #collect(act: Act): Promise<void> {
    const dead = await this.#desk.view.blobs.dead({ before: '2100-01-01T00:00:00.000Z', limit: 9 })
    const blob = dead[act.which % Math.max(1, dead.length)]
    if (blob === undefined) return
    await this.#ignoreRace([
      { do: 'remove', what: 'blob', id: blob.sha256 },
      { do: 'note', change: { what: 'blob.removed', detail: { sha256: blob.sha256 } } },
    ])
  }

  /** Played together, what an act was decided on may be gone or taken: a refusal is right then. */
  async #ignoreRace(steps: Step[], staged: Parameters<Desk['write']>[1] = []): Promise<void> {
    await this.#desk.write(steps, staged).catch(() => {})
  }
}

function isOfUploads(act: Act['act']): boolean {
  return act === 'upload' || act === 'part' || act === 'complete' || act === 'abort'
}

const contents = ['', 'a', 'bb', 'x'.repeat(1000), 'y'.repeat(300_000), 'ccc']
