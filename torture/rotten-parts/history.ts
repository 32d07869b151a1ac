import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { completeUpload } from '@holdfast/engine/multipart/complete-upload.ts'
import { uploadPart, uploadPartCopy } from '@holdfast/engine/multipart/upload-part.ts'
import { abortUpload, createUpload } from '@holdfast/engine/multipart/uploads.ts'
import { copyObject } from '@holdfast/engine/objects/copy-object.ts'
import { putObject } from '@holdfast/engine/objects/put-object.ts'
import { removeObject } from '@holdfast/engine/objects/remove-object.ts'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { isTaken, Judge, type KeptVersion, learn, named } from './judge.ts'
import { bucket, RottenStore } from './rotten-store.ts'
import { bytesOf, cutAtRandom, words } from './words.ts'

const keys = ['k0', 'k1', 'k2', 'k3', 'k4']

interface SentPart {
  readonly number: number
  readonly etag: string
  readonly sha256: string
}

interface OpenUpload {
  readonly id: string
  readonly key: string
  readonly word: string
  readonly parts: readonly SentPart[]
  readonly text: string
}

type Act = (history: History) => Promise<string | undefined>

const acts: Record<string, { readonly weight: number; readonly run: Act }> = {
  put: { weight: 14, run: history => history.put() },
  copy: { weight: 4, run: history => history.copy() },
  together: { weight: 4, run: history => history.together() },
  parts: { weight: 22, run: history => history.sendParts() },
  begin: { weight: 3, run: history => history.begin() },
  finish: { weight: 3, run: history => history.finish() },
  abort: { weight: 2, run: history => history.abort() },
  remove: { weight: 5, run: history => history.remove() },
  purge: { weight: 12, run: history => history.purge() },
  damage: { weight: 14, run: history => history.damage() },
  collect: { weight: 8, run: history => history.collect() },
  reclaim: { weight: 3, run: history => history.reclaim() },
  'cut reclaim': { weight: 3, run: history => history.cutReclaim() },
  reopen: { weight: 1, run: history => history.reopen() },
  rebuild: { weight: 3, run: history => history.rebuild() },
  'keep catalog': { weight: 4, run: history => history.keepCatalog() },
  'catch up': { weight: 4, run: history => history.catchUp() },
  verify: { weight: 3, run: history => history.verify() },
}
export const kinds = Object.keys(acts)
const drawn = Object.entries(acts).flatMap(([kind, { weight }]) => Array(weight).fill(kind))

/** One story from a seed: what was sent, spoilt and sent again, told step by step. */
export class History {
  readonly told: string[] = []
  readonly #store: RottenStore
  readonly #judge: Judge
  readonly #random: SeededRandom
  readonly #words: readonly string[]
  readonly #uploads: OpenUpload[] = []

  private constructor(store: RottenStore, random: SeededRandom) {
    this.#store = store
    this.#random = random
    this.#judge = new Judge(store)
    const few = Array.from({ length: 3 + random.below(5) }, () => random.pick(words))
    this.#words = [...few, 'ABt']
  }

  static async begin(dir: string, random: SeededRandom): Promise<History> {
    return new History(await RottenStore.open(dir, random.pick([0, 1024 * 1024])), random)
  }

  /** Does one thing and looks at everything. The kind, where there was something to do. */
  async step(): Promise<string | undefined> {
    const kind: string = this.#random.pick(drawn)
    this.told.push(kind)
    const done = await acts[kind]?.run(this)
    if (done === undefined) {
      this.told.pop()
      return undefined
    }
    this.told[this.told.length - 1] = `${kind} ${done}`
    await this.#store.clock.advance(1)
    await this.#judge.look()
    return kind
  }

  async put(): Promise<string> {
    const { engine, call } = this.#store
    const [word, key] = [this.#random.pick(this.#words), this.#random.pick(keys)]
    const bytes = bytesOf(word)
    const source = this.#random.chance(0.5) ? bytes : streamed(bytes)
    this.#tell(`"${word}" at ${key}`)
    const object = await putObject(engine, call, { bucket, key, source, facets: {} })
    this.#judge.keep(object, word)
    await this.#judge.bring(learn(word))
    return `"${word}" at ${key}`
  }

  /** The content of a version at another key: no bytes are sent. */
  async copy(): Promise<string | undefined> {
    const all = [...this.#judge.versions.values()]
    if (all.length === 0) return undefined
    const { engine, call } = this.#store
    const { key: from, versionId, word } = this.#random.pick(all)
    const key = keys[(keys.indexOf(from) + 1) % keys.length] ?? from
    const isMade = await isTaken(async () => {
      const { object } = await copyObject(engine, call, {
        from: { bucket, key: from, versionId },
        to: { bucket, key },
        replaceMetadata: false,
        facets: {},
      })
      this.#judge.keep(object, word)
    })
    if (!isMade && !this.#judge.lost.has(learn(word))) throw new Error(`"${word}" was refused`)
    return `"${word}" to ${key}`
  }

  /** The same content whole and in parts at the same time, at two keys. */
  async together(): Promise<string> {
    const { engine, call } = this.#store
    const upload = await this.#send()
    const { word } = upload
    const text = `${upload.text} and whole`
    this.#tell(text)
    const whole = { bucket, key: 'k0', source: streamed(bytesOf(word)), facets: {} }
    const [object, end] = await Promise.all([
      putObject(engine, call, whole),
      this.#complete(upload),
    ])
    this.#judge.keep(object, word)
    await this.#judge.bring(learn(word))
    return `${text}${end}`
  }

  async sendParts(): Promise<string> {
    const upload = await this.#send()
    return `${upload.text}${await this.#complete(upload)}`
  }

  async begin(): Promise<string> {
    const upload = await this.#send()
    this.#uploads.push(upload)
    return upload.text
  }

  async finish(): Promise<string | undefined> {
    const upload = this.#uploads.shift()
    if (upload === undefined) return undefined
    this.#tell(upload.text)
    return `${upload.text}${await this.#complete(upload)}`
  }

  async abort(): Promise<string | undefined> {
    const upload = this.#uploads.pop()
    if (upload === undefined) return undefined
    const { engine, call } = this.#store
    await abortUpload(engine, call, { bucket, key: upload.key, uploadId: upload.id })
    return upload.text
  }

  /** Sends the parts of a word, or copies those that objects have. */
  async #send(): Promise<OpenUpload> {
    const { engine, call } = this.#store
    const [word, key] = [this.#random.pick(this.#words), this.#random.pick(keys)]
    const { id } = await createUpload(engine, call, { bucket, key, facets: {} })
    const upload = { id, key, word, parts: [] as SentPart[], text: `of ${key}:` }
    for (const [index, part] of cutAtRandom(word, this.#random).entries()) {
      const at = { bucket, key, uploadId: id, number: index + 1 }
      const from = this.#random.chance(0.3) ? this.#judge.versionOf(part) : undefined
      const sha256 = learn(part)
      const isNew = async () => {
        const source = streamed(bytesOf(part))
        const { md5: etag } = await uploadPart(engine, call, { ...at, source })
        upload.parts.push({ number: at.number, etag, sha256 })
        await this.#judge.bring(sha256)
      }
      const isCopied = async () => {
        if (from === undefined) return
        const address = { bucket, key: from.key, versionId: from.versionId }
        const { part: copied } = await uploadPartCopy(engine, call, { ...at, from: address })
        upload.parts.push({ number: at.number, etag: copied.md5, sha256 })
      }
      upload.text += ` ${from === undefined ? '' : 'copy of '}"${part}"`
      this.#tell(upload.text)
      if (from === undefined) await isNew()
      else if (!(await isTaken(isCopied))) {
        upload.text += ' (lost, sent)'
        await isNew()
      }
    }
    return upload
  }

  async #complete({ id, key, word, parts }: OpenUpload): Promise<string> {
    const { engine, call } = this.#store
    const sha256 = learn(word)
    const isGood = parts.every(part => !this.#judge.lost.has(part.sha256))
    const isThere = await this.#judge.isKnown(sha256)
    const named = parts.map(({ number, etag }) => ({ number, etag }))
    const isMade = await isTaken(async () => {
      const input = { bucket, key, uploadId: id, parts: named }
      this.#judge.keep(await completeUpload(engine, call, input), word)
    })
    if (isMade) {
      if (isGood) await this.#judge.bring(sha256)
      // Memory had the bytes that the disk has lost.
      else if (!isThere) this.#judge.lost.add(sha256)
      return ''
    }
    if (isGood) throw new Error(`"${word}" of good parts was refused`)
    await abortUpload(engine, call, { bucket, key, uploadId: id })
    return ' (refused)'
  }

  async remove(): Promise<string> {
    const key = this.#random.pick(keys)
    const { engine, call } = this.#store
    await removeObject(engine, call, { bucket, key })
    return key
  }

  /** One version for good, or all of a key. */
  async purge(): Promise<string | undefined> {
    const key = this.#random.pick(keys)
    const all = [...this.#judge.versions.values()].filter(version => version.key === key)
    if (all.length === 0) return undefined
    const going = this.#random.chance(0.5) ? all : [this.#random.pick(all)]
    this.#tell(`${going.length} of ${key}`)
    for (const version of going) await this.#drop(version)
    return `${going.length} of ${key}`
  }

  async #drop({ id, key, versionId }: KeptVersion): Promise<void> {
    const { engine, call } = this.#store
    await removeObject(engine, call, { bucket, key, versionId })
    this.#judge.versions.delete(id)
  }

  /** Everything is taken away: nothing may be left, in records or on the disk. */
  async end(): Promise<void> {
    this.told.push('end')
    for (const version of [...this.#judge.versions.values()]) await this.#drop(version)
    while (this.#uploads.length > 0) await this.abort()
    for (let round = 0; round < 6; round += 1) await this.collect()
    await this.#judge.look()
    const left = [...(await this.#judge.blobs()).keys()].map(named)
    if (left.length > 0) throw new Error(`blobs are left: ${left}`)
    await this.reclaim()
    await this.rebuild()
    const files = this.#store.files()
    if (files.length > 0) throw new Error(`files are left: ${files}`)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #tell(what: string): void {
    this.told[this.told.length - 1] = `${this.told.at(-1)?.split(' > ')[0]} > ${what}`
  }

  async damage(): Promise<string | undefined> {
    const plain = [...(await this.#judge.blobs()).values()].filter(
      ({ parts, size }) => parts === undefined && size > 0,
    )
    if (plain.length === 0) return undefined
    const blob = this.#random.pick(plain)
    const how = this.#store.damage(blob, this.#random)
    await this.#judge.spoil(blob.sha256)
    if (blob.location.startsWith('pack:')) await this.#goOn()
    return `${how} ${named(blob.sha256)}`
  }

  /** Where rot is in the very last commit, a start takes that for one that was cut. */
  async #goOn(): Promise<void> {
    const { engine, call } = this.#store
    const { id } = await createUpload(engine, call, { bucket, key: 'k0', facets: {} })
    await abortUpload(engine, call, { bucket, key: 'k0', uploadId: id })
  }

  async collect(): Promise<string> {
    const rounds = 1 + this.#random.below(3)
    let blobs = 0
    for (let round = 0; round < rounds; round += 1) {
      await this.#store.pass(1)
      blobs += (await collectGarbage(this.#store.engine)).blobs
    }
    return `${blobs}`
  }

  async reclaim(): Promise<string> {
    let given = 0
    await this.#judge.unchanged(async () => {
      given = await this.#store.reclaim()
    })
    return `${given}`
  }

  async cutReclaim(): Promise<string> {
    let given = 0
    await this.#judge.unchanged(async () => {
      given = await this.#store.cutReclaim()
    })
    return `${given}`
  }

  async reopen(): Promise<string> {
    await this.#judge.unchanged(() => this.#store.reopen())
    return ''
  }

  async rebuild(): Promise<string> {
    const salvage = this.#random.chance(0.3)
    await this.#judge.unchanged(() => this.#store.rebuild(salvage))
    return salvage ? 'salvage' : ''
  }

  async keepCatalog(): Promise<string> {
    await this.#judge.unchanged(() => this.#store.keepCatalog())
    return ''
  }

  async catchUp(): Promise<string | undefined> {
    if (!this.#store.isKept) return undefined
    await this.#judge.unchanged(() => this.#store.catchUp())
    return ''
  }

  async verify(): Promise<string> {
    return `healed ${await this.#judge.verify()}`
  }
}

async function* streamed(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
