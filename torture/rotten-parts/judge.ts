import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { BlobBytes } from '@holdfast/core/ports/element.ts'
import type { Blob } from '@holdfast/core/records.ts'
import { readBlob } from '@holdfast/engine/content/read-blob.ts'
import { verifyStore } from '@holdfast/engine/integrity/verify.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { checkTotals, dump } from '@holdfast/testkit/catalog/dump.ts'
import type { RottenStore } from './rotten-store.ts'
import { bytesOf, sha256Of, words } from './words.ts'

const wordOf = new Map(words.map(word => [sha256Of(word), word as string]))

export const named = (sha256: string): string => `"${learned.get(sha256) ?? sha256.slice(0, 8)}"`
const learned = new Map(wordOf)

/** Parts are words of their own that no object needs to have. */
export function learn(word: string): string {
  const sha256 = sha256Of(word)
  learned.set(sha256, word)
  return sha256
}

export interface KeptVersion {
  readonly id: string
  readonly key: string
  readonly versionId: string
  readonly word: string
}

/** What must be there: which contents may be lost, and which versions were made. */
export class Judge {
  readonly #store: RottenStore
  /** Contents that were damaged, or are made of such, and were not sent again since. */
  readonly lost = new Set<string>()
  /** The versions that are there, by id. */
  readonly versions = new Map<string, KeptVersion>()

  constructor(store: RottenStore) {
    this.#store = store
  }

  keep({ asset, version, versionId }: StoredObject, word: string): void {
    const { id } = version
    this.versions.set(id, { id, key: asset.key, versionId, word })
  }

  versionOf(word: string): KeptVersion | undefined {
    return [...this.versions.values()].find(version => version.word === word)
  }

  async isKnown(sha256: string): Promise<boolean> {
    return (await this.blobs()).has(sha256)
  }

  async blobs(): Promise<Map<string, Blob>> {
    const { blobs } = this.#store.engine.catalog.view
    const found = await blobs.list({ limit: 1000 })
    return new Map(found.map(blob => [blob.sha256, blob]))
  }

  /** The bytes of a blob are spoilt, and so is all that is made of it. */
  async spoil(sha256: string): Promise<void> {
    this.lost.add(sha256)
    const blobs = await this.blobs()
    const spread = () => {
      const before = this.lost.size
      for (const blob of blobs.values()) {
        if (blob.parts?.some(part => this.lost.has(part.sha256))) this.lost.add(blob.sha256)
      }
      return this.lost.size > before
    }
    while (spread());
  }

  /** Good bytes were taken; what is made of them and of other good ones is good again. */
  async bring(sha256: string): Promise<void> {
    this.lost.delete(sha256)
    const blobs = await this.blobs()
    const spread = () => {
      const before = this.lost.size
      for (const { sha256: whole, parts } of blobs.values()) {
        if (parts?.every(part => !this.lost.has(part.sha256))) this.lost.delete(whole)
      }
      return this.lost.size < before
    }
    while (spread());
  }

  /** Reads everything; throws what is not as it must be. */
  async look(): Promise<void> {
    const { engine } = this.#store
    const found = await dump(engine.catalog.view)
    checkTotals(found)
    const contents = found.versions.filter(({ kind }) => kind === 'content')
    const is = contents.map(({ id, sha256 }) => `${id} ${sha256}`).sort()
    const should = [...this.versions].map(([id, { word }]) => `${id} ${sha256Of(word)}`).sort()
    if (is.join() !== should.join()) throw new Error(`versions ${is}, must be ${should}`)
    for (const blob of found.blobs) await this.#lookAt(blob)
    for (const sha256 of this.lost) {
      if (!found.blobs.some(blob => blob.sha256 === sha256)) this.lost.delete(sha256)
    }
  }

  async #lookAt({ sha256 }: Blob): Promise<void> {
    const word = learned.get(sha256)
    if (word === undefined) throw new Error(`content ${sha256} was never sent`)
    const { engine } = this.#store
    const read = await readOf(async () => {
      const place = await engine.catalog.view.blobs.place(sha256)
      if (place === undefined) throw new Error(`no place of ${named(sha256)}`)
      return await wholeOf(await readBlob(engine, place))
    })
    const content = bytesOf(word)
    if (typeof read !== 'string') {
      if (!content.equals(read)) throw new Error(`wrong bytes of ${named(sha256)}`)
      await this.#lookAtEnd(sha256, content)
    } else if (!this.lost.has(sha256)) throw new Error(`${named(sha256)} is lost: ${read}`)
  }

  /** The last bytes of what was read whole, by a range. */
  async #lookAtEnd(sha256: string, content: Buffer): Promise<void> {
    const { engine } = this.#store
    const place = await engine.catalog.view.blobs.place(sha256)
    if (place === undefined || content.length === 0) return
    const last = content.length - 1
    const first = Math.max(0, last - 500)
    const end = await readOf(async () =>
      wholeOf(await readBlob(engine, place, { range: { first, last } })),
    )
    // Memory may have hidden the loss until now: it keeps whole bodies.
    if (typeof end === 'string' && this.lost.has(sha256)) return
    const isSame = typeof end !== 'string' && content.subarray(first).equals(end)
    if (!isSame) throw new Error(`wrong end of ${named(sha256)}`)
  }

  /** What verification finds are the lost, and what it does not find is there. */
  async verify(): Promise<number> {
    const { missing, damaged, healed } = await verifyStore(this.#store.engine)
    const findings = new Set<string>()
    for (const { sha256, problem, location } of [...missing, ...damaged]) {
      findings.add(sha256)
      if (!this.lost.has(sha256)) {
        throw new Error(`verify says of ${sha256 && named(sha256)} at ${location}: ${problem}`)
      }
    }
    for (const sha256 of this.lost) if (!findings.has(sha256)) this.lost.delete(sha256)
    return healed.length
  }

  /** Runs what may change no record. */
  async unchanged(work: () => Promise<unknown>): Promise<void> {
    const before = await this.#text()
    await work()
    const after = await this.#text()
    const at = before.findIndex((line, index) => line !== after[index])
    if (at < 0 && before.length === after.length) return
    throw new Error(`records changed: ${before[at]} became ${after[at]}`)
  }

  async #text(): Promise<string[]> {
    const { totals, stats, ...lists } = await dump(this.#store.engine.catalog.view)
    const text = (value: unknown) =>
      JSON.stringify(value, (_, one: unknown) =>
        typeof one === 'string' && one.startsWith('pack:') ? 'pack' : one,
      )
    const all = Object.entries(lists).flatMap(([name, list]) =>
      Array.isArray(list) ? list.map(one => `${name} ${text(one)}`) : [`${name} ${text(list)}`],
    )
    return [...all.sort(), text(totals), text(stats)]
  }
}

async function wholeOf({ bytes, chunks }: BlobBytes): Promise<Uint8Array> {
  return bytes ?? Buffer.concat(await Array.fromAsync(chunks))
}

const lossCodes = ['BLOB_MISSING', 'BLOB_DAMAGED']

async function readOf(work: () => Promise<Uint8Array>): Promise<Uint8Array | string> {
  try {
    return await work()
  } catch (error) {
    if (isHoldfastError(error) && lossCodes.includes(error.code)) return error.code
    throw error
  }
}

/** Whether work was refused for bytes that are lost; anything else is thrown. */
export async function isTaken(work: () => Promise<unknown>): Promise<boolean> {
  const done = await readOf(async () => {
    await work()
    return new Uint8Array(0)
  })
  return typeof done !== 'string'
}
