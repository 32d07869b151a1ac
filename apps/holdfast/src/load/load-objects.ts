import { randomBytes } from 'node:crypto'
import type { LoadTarget } from './load-target.ts'

/** Numbered objects of one size whose bodies say which they are. Keys and contents never repeat. */
export class LoadObjects {
  readonly #target: LoadTarget
  readonly #prefix: string
  readonly #filler: Buffer
  readonly #connections: number
  /** In the order in which they were put. */
  readonly #kept: number[] = []
  #next = 0

  constructor(target: LoadTarget, of: { bucket: string; sizeBytes: number; connections: number }) {
    const folder = `holdfast-bench-${randomBytes(6).toString('hex')}`
    this.#target = target
    this.#connections = of.connections
    this.#prefix = `/api/v2/buckets/${encodeURIComponent(of.bucket)}/assets/${folder}/`
    this.#filler = randomBytes(of.sizeBytes)
  }

  get count(): number {
    return this.#kept.length
  }

  async put(): Promise<void> {
    const number = this.#next++
    const { status, body } = await this.#target.ask('PUT', this.#pathOf(number), this.#body(number))
    if (status !== 201) throw new Error(`PUT: ${status} ${body.toString('utf8', 0, 200)}`)
    this.#kept.push(number)
  }

  async get(number: number): Promise<void> {
    const { status, body } = await this.#target.ask('GET', this.#pathOf(number))
    if (status !== 200) throw new Error(`GET: ${status}`)
    if (!body.equals(this.#body(number))) throw new Error('GET: other bytes than were put')
  }

  async head(number: number): Promise<void> {
    const { status, length } = await this.#target.ask('HEAD', this.#pathOf(number))
    if (status !== 200 || length !== this.#filler.length) throw new Error(`HEAD: ${status}`)
  }

  /** Number of the one at a place in the order of putting. */
  at(place: number): number {
    return this.#kept[place] ?? 0
  }

  /** Removes the one that was put last, for good: those before stay for the readers. */
  async removeLast(): Promise<void> {
    const number = this.#kept.pop()
    if (number === undefined) return
    const { status } = await this.#target.ask('DELETE', `${this.#pathOf(number)}?hard_delete=true`)
    if (status !== 204) throw new Error(`DELETE: ${status}`)
  }

  /** Everything that is still there. */
  async removeAll(): Promise<void> {
    const worker = async (): Promise<void> => {
      while (this.#kept.length > 0) await this.removeLast()
    }
    await Promise.all(Array.from({ length: this.#connections }, worker))
  }

  #pathOf(number: number): string {
    return `${this.#prefix}${number}`
  }

  #body(number: number): Buffer {
    const body = Buffer.from(this.#filler)
    if (body.length >= 8) body.writeBigUInt64LE(BigInt(number), 0)
    return body
  }
}
