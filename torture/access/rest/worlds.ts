import { randomUUID } from 'node:crypto'
import { adminKey, type Lab } from '../open-lab.ts'
import { type Caller, canary, elsewhere, type Living } from '../people.ts'
import { jsonOf } from '../wire.ts'
import type { World } from './row.ts'
import type { Kind } from './rules.ts'

export const somebody = '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a'
const buckets: Readonly<Record<Kind, string>> = {
  own: 'mx-private',
  foreign: 'mx-private',
  public: 'mx-public',
}

/** An asset full of secrets, put by the administrator; its id. */
export async function putThing(
  lab: Lab,
  { bucket, key, ownerId, service }: Pick<World, 'bucket' | 'key' | 'ownerId' | 'service'>,
): Promise<string> {
  const facts = { owner_id: ownerId, service, name: `${canary}.txt`, tags: canary }
  const answer = await lab.rest.ask({
    method: 'PUT',
    path: `/api/v2/buckets/${bucket}/assets/${key}?${new URLSearchParams(facts)}`,
    headers: { 'x-api-key': adminKey, 'x-metadata': JSON.stringify({ secret: canary }) },
    body: Buffer.from(`${canary} ${key}`),
  })
  if (answer.status !== 201) throw new Error(`no asset: ${answer.status} ${answer.text}`)
  return jsonOf(answer).id
}

/** Makes what is asked for: an asset of the caller or of somebody else, full of secrets. */
export class Worlds {
  readonly #lab: Lab
  readonly #kept = new Map<string, World>()
  #made = 0

  constructor(lab: Lab) {
    this.#lab = lab
  }

  static async open(lab: Lab): Promise<Worlds> {
    await lab.must('POST', '/api/v2/buckets', { name: 'mx-private' })
    await lab.must('POST', '/api/v2/buckets', { name: 'mx-public', public_read: true })
    return new Worlds(lab)
  }

  /** One that nobody has changed; the same again for who only looks. */
  async get(who: Caller, kind: Kind, fresh: boolean): Promise<World> {
    const name = `${kind} ${kind === 'own' ? who.name : ''}`
    const kept = fresh ? undefined : this.#kept.get(name)
    if (kept !== undefined) return { ...kept, who }
    const made = await this.#make(who, kind)
    if (!fresh) this.#kept.set(name, made)
    return made
  }

  async #make(who: Caller, kind: Kind): Promise<World> {
    this.#made += 1
    const bucket = buckets[kind]
    const key = `things/${this.#made}.txt`
    const ownerId = kind === 'own' ? who.id : somebody
    const service = `mx-service-${this.#made}`
    const id = await putThing(this.#lab, { bucket, key, ownerId, service })
    return { ...{ lab: this.#lab, who, kind, bucket, key, id, ownerId, service }, made: {} }
  }

  /** The same question about what is not there. Strangers do not know of the bucket either. */
  missing(world: World): World {
    const outside: readonly string[] = ['stranger', 'confined'] satisfies Living[]
    const away = outside.includes(world.who.name) && world.kind !== 'public'
    const bucket = away ? `${elsewhere}-not` : world.bucket
    return { ...world, bucket, id: randomUUID(), key: `things/not-there-${randomUUID()}` }
  }
}
