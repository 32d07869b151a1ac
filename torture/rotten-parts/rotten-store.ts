import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Call } from '@holdfast/core/call.ts'
import type { Blob } from '@holdfast/core/records.ts'
import { openStore, type Store } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { type Engine, ensureBuckets, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { transactions } from '@holdfast/engine/transactions.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { PACKED_BYTES_MAX, PART_BYTES_MIN } from './words.ts'

export const bucket = 'photos'
const DAY_MS = 24 * 60 * 60 * 1000
const limits = {
  partBytesMin: PART_BYTES_MIN,
  packedBlobBytesMax: PACKED_BYTES_MAX,
  uploadIdleMs: 1000 * DAY_MS,
}
const ends = ['', '-wal', '-shm']

/** A store in a directory, with small parts and packs, whose files can be spoilt. */
export class RottenStore {
  readonly clock = new FakeClock()
  readonly call: Call = systemCall('rot')
  readonly #dir: string
  /** Memory hides damage from reads, and must not hide it from puts. */
  readonly #cacheBytes: number
  #store: Store | undefined
  #engine: Engine | undefined
  /** A catalog of before is kept, and nothing made it impossible since. */
  #isKept = false

  private constructor(dir: string, cacheBytes: number) {
    this.#dir = dir
    this.#cacheBytes = cacheBytes
  }

  static async open(dir: string, cacheBytes: number): Promise<RottenStore> {
    mkdirSync(dir, { recursive: true })
    const opened = new RottenStore(dir, cacheBytes)
    await opened.#open()
    await ensureBuckets(opened.engine, [bucket])
    return opened
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('the store is closed')
    return this.#engine
  }

  get #data(): string {
    return join(this.#dir, 'data')
  }

  async #open(salvage = false): Promise<void> {
    const { clock } = this
    this.#store = await openStore({
      dir: this.#data,
      transactions,
      clock,
      salvage,
      packedBlobBytesMax: PACKED_BYTES_MAX,
      reservedBytes: 0,
      packBytesMax: 24_000,
      layOutBytes: 8192,
      cacheBytes: this.#cacheBytes,
    })
    const { catalog, element } = this.#store
    this.#engine = openEngine({ catalog, element, clock, random: cryptoRandom, limits })
  }

  async close(): Promise<void> {
    await this.#engine?.digests.close()
    await this.#store?.close()
    this.#engine = undefined
    this.#store = undefined
  }

  async reopen(): Promise<void> {
    await this.close()
    await this.#open()
  }

  async rebuild(salvage: boolean): Promise<void> {
    await this.close()
    this.#removeCatalog()
    this.#isKept = false
    await this.#open(salvage)
  }

  #removeCatalog(): void {
    for (const end of ends) rmSync(join(this.#data, `catalog.db${end}`), { force: true })
  }

  /** Keeps the catalog of now, for a power cut to fall back to. */
  async keepCatalog(): Promise<void> {
    await this.close()
    cpSync(join(this.#data, 'catalog.db'), join(this.#dir, 'before.db'))
    this.#isKept = true
    await this.#open()
  }

  get isKept(): boolean {
    return this.#isKept
  }

  /** Opens with the catalog that was kept: the packs tell what it missed. */
  async catchUp(): Promise<void> {
    await this.close()
    this.#removeCatalog()
    cpSync(join(this.#dir, 'before.db'), join(this.#data, 'catalog.db'))
    await this.#open()
  }

  /** Rewrites packs; the catalog is durable before one goes, so no earlier one returns. */
  async reclaim(): Promise<number> {
    const given = (await this.engine.element.reclaim?.()) ?? 0
    this.#isKept = false
    return given
  }

  /** The power goes when packs were rewritten, before the catalog was durable and they went. */
  async cutReclaim(): Promise<number> {
    if (!this.#isKept) await this.keepCatalog()
    const packs = join(this.#data, 'packs')
    cpSync(packs, join(this.#dir, 'packs'), { recursive: true })
    const given = (await this.engine.element.reclaim?.()) ?? 0
    await this.close()
    for (const name of readdirSync(join(this.#dir, 'packs'))) {
      if (existsSync(join(packs, name))) continue
      cpSync(join(this.#dir, 'packs', name), join(packs, name))
    }
    rmSync(join(this.#dir, 'packs'), { recursive: true })
    await this.catchUp()
    return given
  }

  /** What lies at the place of a blob is lost or other bytes now. */
  damage(blob: Blob, random: SeededRandom): string {
    const [kind, pack, offset] = blob.location.split(':')
    if (kind === 'pack') {
      const path = join(this.#data, 'packs', `${String(pack).padStart(10, '0')}.tar`)
      flip(path, Number(offset) + random.below(blob.size))
      return 'flip'
    }
    const path = this.#fileOf(blob.sha256)
    const how = random.pick(['flip', 'cut', 'lose'] as const)
    if (!existsSync(path)) return 'gone already'
    if (how === 'lose') rmSync(path)
    else if (how === 'cut') truncateSync(path, random.below(blob.size))
    else if (readFileSync(path).length > 0) {
      flip(path, random.below(readFileSync(path).length))
    }
    return how
  }

  #fileOf(sha256: string): string {
    return join(this.#data, 'blobs', sha256.slice(0, 2), sha256)
  }

  files(): string[] {
    const all = readdirSync(join(this.#data, 'blobs'), { recursive: true, encoding: 'utf8' })
    return all.filter(name => name.includes('/'))
  }

  async pass(days: number): Promise<void> {
    await this.clock.advance(days * DAY_MS + 1)
  }
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 0x40
  writeFileSync(path, bytes)
}
