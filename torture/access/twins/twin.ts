import { randomUUID } from 'node:crypto'
import { adminKey, type Lab } from '../open-lab.ts'
import { type Caller, password } from '../people.ts'
import { somebody } from '../rest/worlds.ts'
import type { Pair } from '../s3/sign.ts'
import { jsonOf, type Tree } from '../wire.ts'

/** What of the hidden things is there: what is closed to all, and what is only of others. */
export interface Layers {
  readonly closed: boolean
  readonly others: boolean
}

/** Somebody who asks at both doors. */
export interface Asker extends Caller {
  readonly pair?: Pair | undefined
}

export interface Thing {
  readonly bucket: string
  readonly key: string
  readonly id: string
  readonly ownerId: string
  readonly service: string
}

export interface Put extends Omit<Thing, 'id' | 'service'> {
  readonly tags?: readonly string[]
  readonly metadata?: Tree
  readonly content?: string
}

const uuids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** One of two stores that the same script made. */
export class Twin {
  readonly lab: Lab
  readonly layers: Layers
  readonly askers = new Map<string, Asker>()
  /** As the rows of the matrix see it: their counters go on, names here do not. */
  readonly prepared: Lab
  readonly #aliases = new Map<string, string>()
  /** Of ids that are no UUIDs, which are few. */
  readonly #others = new Map<string, string>()
  readonly #renamed = new Map<string, string>()
  #serial = 0
  #within = 0

  constructor(lab: Lab, layers: Layers) {
    this.lab = lab
    this.layers = layers
    const must: Lab['must'] = async (method, path, body) => {
      const sent = this.#sent(body)
      return await lab.must(method, this.rename(path), sent)
    }
    this.prepared = { ...lab, must }
  }

  /** Alike in both stores, also where it names what they have. */
  #sent(body: Tree): Tree {
    if (body === undefined) return undefined
    if (body instanceof Uint8Array) return Buffer.from(this.aliased(Buffer.from(body).toString()))
    return JSON.parse(this.rename(JSON.stringify(body)))
  }

  /** The same thing has the same alias in both stores. */
  name(id: string, alias: string): string {
    const names = isUuid(id) ? this.#aliases : this.#others
    names.set(id, `<${alias}>`)
    return id
  }

  /** Of what is not there, or was not made here. */
  unknown(alias: string): string {
    return this.name(randomUUID(), alias)
  }

  aliased(text: string): string {
    let told = text
    for (const [id, alias] of this.#others) told = told.replaceAll(id, alias)
    return told.replaceAll(uuids, id => this.#aliases.get(id) ?? '<uuid>')
  }

  /** What is prepared from now on is named alike in both stores, also where one has less. */
  begin(serial: number): void {
    this.#serial = serial
    this.#within = 0
  }

  rename(text: string): string {
    return text.replaceAll(/\b(mx-(?:[a-z0-9]+-)*|free\/)(\d+)\b/g, (whole, kind: string) => {
      const known = this.#renamed.get(whole)
      if (known !== undefined) return known
      this.#within += 1
      const made = `made-${this.#serial}-${this.#within}`
      const name = `${kind.startsWith('free') ? 'free/' : 'mx-'}${made}`
      this.#renamed.set(whole, name)
      return name
    })
  }

  async must(method: string, path: string, body?: Tree): Promise<Tree> {
    return await this.lab.must(method, path, body)
  }

  async put({ bucket, key, ownerId, tags = [], metadata, content = key }: Put): Promise<Thing> {
    const service = 'tw-service'
    const query = new URLSearchParams({
      owner_id: ownerId,
      service,
      name: key.replaceAll('/', '-'),
    })
    if (tags.length > 0) query.set('tags', tags.join(','))
    const meta = metadata === undefined ? {} : { 'x-metadata': JSON.stringify(metadata) }
    const answer = await this.lab.rest.ask({
      method: 'PUT',
      path: `/api/v2/buckets/${bucket}/assets/${key}?${query}`,
      headers: { 'x-api-key': adminKey, ...meta },
      body: Buffer.from(content),
    })
    if (answer.status !== 201) throw new Error(`no asset: ${answer.status} ${answer.text}`)
    const id = this.name(jsonOf(answer).id, `asset ${key}`)
    return { bucket, key, id, ownerId, service }
  }

  async user(name: string, roles: string[], buckets: string[] | null = null): Promise<Asker> {
    const username = `tw-${name}`
    const email = `${username}@example.org`
    const input = { username, password, email, roles, buckets, must_change_password: false }
    const { id } = await this.must('POST', '/api/v2/users', input)
    const headers = await this.login(name)
    const pair = await this.#pair({ user_id: id })
    return this.#keep({ name, id, headers, pair })
  }

  async login(name: string): Promise<Caller['headers']> {
    const login = { username: `tw-${name}`, password }
    const { access_token: token } = await this.must('POST', '/api/v2/auth/login', login)
    return { authorization: `Bearer ${token}` }
  }

  async key(name: string, bounds: { permissions: string[]; buckets?: string[] }): Promise<Asker> {
    const { id, key } = await this.must('POST', '/api/v2/keys', { name: `tw-${name}`, ...bounds })
    const pair = await this.#pair({ user_id: null, ...bounds })
    return this.#keep({ name, id, headers: { 'x-api-key': key }, pair })
  }

  async account(
    name: string,
    bounds: { permissions: string[]; buckets?: string[] },
  ): Promise<Asker> {
    const input = { name: `tw-${name}`, ...bounds }
    const { id, client_id, client_secret } = await this.must(
      'POST',
      '/api/v2/service-accounts',
      input,
    )
    const login = { client_id, client_secret }
    this.name(client_id, `client ${name}`)
    const { access_token: token } = await this.must('POST', '/api/v2/auth/token', login)
    return this.#keep({ name, id, headers: { authorization: `Bearer ${token}` } })
  }

  anonymous(): Asker {
    return this.#keep({ name: 'anonymous', id: somebody, headers: {} })
  }

  #keep(asker: Asker): Asker {
    if (asker.id !== somebody) this.name(asker.id, asker.name)
    if (asker.pair !== undefined) this.name(asker.pair.id, `key of ${asker.name}`)
    this.askers.set(asker.name, asker)
    return asker
  }

  async #pair(more: Tree): Promise<Pair> {
    const { id, secret } = await this.must('POST', '/api/v2/s3/keys', { name: 'tw', ...more })
    return { id, secret }
  }
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-/.test(text) && text.length === 36
}
