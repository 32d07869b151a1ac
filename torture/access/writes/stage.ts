import { setBucketDocument } from '@holdfast/engine/buckets/documents.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import { adminKey, type Lab, s3Key } from '../open-lab.ts'
import { encode, type Pair, sign } from '../s3/sign.ts'
import type { Answer, Tree } from '../wire.ts'
import type { Person, Persons } from './persons.ts'
import { type Rows, readRows } from './rows.ts'
import type { Grant } from './rule.ts'

export const keys = ['a', 'p/x', 'p/y'] as const

export interface S3Ask {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface RestAsk {
  readonly method: string
  readonly path: string
  /** JSON, or bytes as they are. */
  readonly body?: Tree
  readonly headers?: Readonly<Record<string, string>>
}

let stages = 0

/** Two buckets of their own in a store, one of nobody and one of `owner`, and who comes there. */
export class Stage {
  readonly lab: Lab
  readonly persons: Persons
  /** The first is common, the second has an owner. */
  readonly buckets: readonly string[]
  readonly grants: Grant[] = []
  /** Versions that came to be those shown of assets which are deleted: nobody was shown them. */
  readonly uncovered = new Set<string>()
  readonly #serial: number
  #canaries = 0
  requests = 0

  constructor(lab: Lab, persons: Persons) {
    stages += 1
    this.lab = lab
    this.persons = persons
    this.#serial = stages
    this.buckets = [`wr-${stages}-common`, `wr-${stages}-owned`]
  }

  async open(): Promise<void> {
    const [common, owned] = this.buckets
    await this.must({ method: 'POST', path: '/api/v2/buckets', body: { name: common } })
    const asked = { method: 'POST', path: '/api/v2/buckets', body: { name: owned } }
    const made = await this.rest(this.person('owner'), asked)
    if (made.status !== 201) throw new Error(`no bucket: ${made.text}`)
  }

  /** Stands in one content, tag or metadata only: whoever gets it has got that. */
  canary(kind: 'content' | 'tag' | 'note'): string {
    this.#canaries += 1
    return `kv${kind[0]}${this.#serial}x${this.#canaries}q`
  }

  /** Those of this stage, not of others in the same store. */
  canariesIn(text: string): string[] {
    return text.match(new RegExp(`\\bkv[ctn]${this.#serial}x\\d+q\\b`, 'g')) ?? []
  }

  person(name: string): Person {
    const found = this.persons.all.find(each => each.name === name)
    if (found === undefined) throw new Error(`nobody is ${name}`)
    return found
  }

  async rows(): Promise<Rows> {
    return await readRows(this.lab, this.buckets)
  }

  async rest(person: Person, { method, path, body, headers }: RestAsk): Promise<Answer> {
    return await this.#rest(person.headers ?? {}, { method, path, body, headers: headers ?? {} })
  }

  async #rest(
    credential: Readonly<Record<string, string>>,
    { method, path, body, headers }: Required<RestAsk>,
  ): Promise<Answer> {
    this.requests += 1
    const isJson = body !== undefined && !(body instanceof Uint8Array)
    const type = isJson ? { 'content-type': 'application/json' } : {}
    const bytes = isJson ? Buffer.from(JSON.stringify(body)) : body
    const all = { ...credential, ...type, ...headers }
    return await this.lab.rest.ask({ method, path, headers: all, body: bytes })
  }

  async must(asked: RestAsk): Promise<Answer> {
    const answer = await this.asAdministrator(asked)
    if (answer.status < 300) return answer
    throw new Error(`${asked.method} ${asked.path}: ${answer.status} ${answer.text}`)
  }

  async asAdministrator({ method, path, body, headers = {} }: RestAsk): Promise<Answer> {
    return await this.#rest({ 'x-api-key': adminKey }, { method, path, body, headers })
  }

  async s3(person: Person, asked: S3Ask): Promise<Answer> {
    return await this.#s3(person.pair ?? null, asked)
  }

  async s3AsAdministrator(asked: S3Ask): Promise<Answer> {
    return await this.#s3(s3Key, asked)
  }

  async #s3(
    pair: Pair | null,
    { method, path, query = {}, headers, body }: S3Ask,
  ): Promise<Answer> {
    this.requests += 1
    const { host } = this.lab.s3
    if (pair !== null) {
      const plain = { method, path, query, headers: { ...headers }, body }
      return await this.lab.s3.ask(
        sign(plain, { pair, mode: 'header', host, nowMs: this.lab.now() }),
      )
    }
    const fields = Object.entries(query).map(([name, text]) => `${encode(name)}=${encode(text)}`)
    const target = fields.length === 0 ? path : `${path}?${fields.join('&')}`
    const bytes = body === undefined ? undefined : Buffer.from(body)
    return await this.lab.s3.ask({
      method,
      path: target,
      headers: { host, ...headers },
      body: bytes,
    })
  }

  /** As the owner of the server sets it; what the rules of documents refuse stays unset. */
  async setDocument(bucket: string, name: string, document: Tree): Promise<void> {
    const { engine } = this.lab.context
    const input = { bucket, name, document } as Parameters<typeof setBucketDocument>[2]
    await setBucketDocument(engine, systemCall('random-writes'), input)
  }
}

/** Whether it was done; documents of S3 can hold a refusal behind 200. */
export function isDone({ status, text }: Answer): boolean {
  return status < 300 && !(text.startsWith('<?xml') && /<Error>[\s\S]*<\/Error>\s*$/.test(text))
}
