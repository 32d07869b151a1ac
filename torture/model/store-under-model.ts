import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Call } from '@holdfast/core/call.ts'
import { openStore, type Store } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { type Engine, ensureBuckets, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { transactions } from '@holdfast/engine/transactions.ts'
import { checkTotals, dump } from '@holdfast/testkit/catalog/dump.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { bodyProblem, makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import { type ModelAsset, type ModelState, shownOf } from './model-state.ts'

const packedBytesMax = 4000
/** Sizes of the pool of contents: nothing, sectors, the largest packed one, and files. */
const sizes = [0, 300, 512, 700, packedBytesMax, packedBytesMax + 1, 9000]
export const bodies = sizes.map((_, index) => index)
export const bodyOf = (body: number): Uint8Array => makeBody(1 + body, sizes[body] ?? 0)
export const sha256Of = (body: number): string => {
  return createHash('sha256').update(bodyOf(body)).digest('hex')
}

const disk = { flavour: 'linux', order: 'journal' } as const

/** A whole store in this process, on a crash disk: what the model is held against. */
export class StoreUnderModel implements AsyncDisposable {
  readonly clock = new FakeClock()
  readonly call: Call = systemCall('model')
  readonly #scratch: string
  #disk = new CrashDisk(disk)
  #catalogs = 0
  /** Catalog files of an earlier moment, which a power cut may bring back. */
  #older: string | undefined
  #store: Store | undefined
  #engine: Engine | undefined

  private constructor() {
    const root = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
    this.#scratch = mkdtempSync(join(root, 'holdfast-model-'))
    mkdirSync(this.#catalog)
  }

  static async open(): Promise<StoreUnderModel> {
    const opened = new StoreUnderModel()
    await opened.#open()
    await ensureBuckets(opened.engine, ['photos'])
    const settings = { versioning: 'disabled' } as const
    await createBucket(opened.engine, opened.call, { name: 'plain', settings })
    return opened
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('the store is closed')
    return this.#engine
  }

  get #catalog(): string {
    return join(this.#scratch, `catalog-${this.#catalogs}`)
  }

  async #open(): Promise<void> {
    const { clock } = this
    this.#store = await openStore({
      dir: '/data',
      disk: this.#disk,
      catalogPath: join(this.#catalog, 'catalog.db'),
      transactions,
      clock,
      packedBlobBytesMax: packedBytesMax,
      reservedBytes: 0,
      packBytesMax: 24_000,
      layOutBytes: 8192,
    })
    const { catalog, element } = this.#store
    this.#engine = openEngine({ catalog, element, clock, random: cryptoRandom })
  }

  async reopen(): Promise<void> {
    await this.#store?.close()
    await this.#open()
  }

  async rebuild(): Promise<void> {
    await this.#store?.close()
    this.#catalogs += 1
    mkdirSync(this.#catalog)
    this.#older = undefined
    await this.#open()
  }

  /** Keeps the catalog of now, for a power cut to fall back to. */
  keepCatalog(): void {
    this.#older = join(this.#scratch, `older-${this.#catalogs}`)
    rmSync(this.#older, { recursive: true, force: true })
    cpSync(this.#catalog, this.#older, { recursive: true })
  }

  /** Giving space back makes the catalog durable first: no earlier one returns. */
  forgetCatalogs(): void {
    this.#older = undefined
  }

  /** The power goes between two requests; what was answered must be there. */
  async cutPower(seed: number): Promise<void> {
    const random = new SeededRandom(seed)
    const left = this.#disk.crashed(random)
    const source = random.pick([this.#catalog, this.#older, undefined])
    const copy = join(this.#scratch, `cut-${this.#catalogs + 1}`)
    if (source !== undefined) cpSync(source, copy, { recursive: true })
    await this.#store?.close()
    this.#disk = left
    this.#catalogs += 1
    if (source === undefined) mkdirSync(this.#catalog)
    else cpSync(copy, this.#catalog, { recursive: true })
    this.#older = undefined
    await this.#open()
  }

  /** Everything of one asset, as the model says it. Throws what differs. */
  async checkAsset(expected: ModelAsset): Promise<void> {
    const { view } = this.engine.catalog
    const asset = await view.assets.byId(expected.id)
    if (asset === undefined) throw new Error(`asset ${expected.key} is gone`)
    const query = { assetId: asset.id, kinds: ['content'], deleted: 'with', limit: 1000 } as const
    const versions = await view.versions.list(query)
    const shown = shownOf(expected)
    const real = {
      key: asset.key,
      deleted: asset.deletedAt !== null,
      trashed: asset.trashed,
      lastNumber: asset.lastNumber,
      shown: [asset.versionNumber, asset.sha256],
      metadata: sorted(asset.metadata),
      tags: [...asset.tags].sort(),
      versions: versions
        .map(({ number, sha256, deletedAt }) => `${number} ${sha256} ${deletedAt !== null}`)
        .sort(),
    }
    const model = {
      key: expected.key,
      deleted: expected.deleted,
      trashed: expected.trashed,
      lastNumber: expected.lastNumber,
      shown: [shown.number, sha256Of(shown.body)],
      metadata: sorted(expected.metadata),
      tags: [...expected.tags].sort(),
      versions: expected.versions
        .map(({ number, body, hidden }) => `${number} ${sha256Of(body)} ${hidden}`)
        .sort(),
    }
    requireEqual(real, model, expected.key)
    await this.#checkBytes(shown.body)
  }

  /** The whole store against the whole model, totals recounted. */
  async checkAll(model: ModelState): Promise<void> {
    const found = await dump(this.engine.catalog.view)
    checkTotals(found)
    requireEqual(
      found.assets.map(({ id }) => id).sort(),
      [...model.assets.keys()].sort(),
      'the assets',
    )
    for (const asset of model.assets.values()) await this.checkAsset(asset)
    const links = found.links.map(({ fromId, toId, type }) => `${fromId} ${toId} ${type}`)
    requireEqual(links.sort(), [...model.links].sort(), 'the links')
    for (const body of model.referenced()) await this.#checkBytes(body)
    const expected = model.assetsMax === undefined ? 0 : 1
    requireEqual(found.quotas.length, expected, 'the quotas')
  }

  async #checkBytes(body: number): Promise<void> {
    const blob = await this.engine.catalog.view.blobs.get(sha256Of(body))
    if (blob === undefined) throw new Error(`content ${body} has no blob`)
    const read = await this.engine.element.read(blob)
    const chunks: Uint8Array[] = []
    for await (const chunk of read.chunks ?? [read.bytes]) chunks.push(Uint8Array.from(chunk))
    const length = sizes[body] ?? 0
    const problem = bodyProblem(Buffer.concat(chunks), { operation: 1 + body, length })
    if (problem !== undefined) throw new Error(problem)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.close()
    rmSync(this.#scratch, { recursive: true, force: true })
  }
}

function sorted(record: object): unknown {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
}

export function requireEqual(real: unknown, model: unknown, what: string): void {
  const [found, expected] = [JSON.stringify(real), JSON.stringify(model)]
  if (found !== expected) throw new Error(`${what}: ${found}, the model says ${expected}`)
}
