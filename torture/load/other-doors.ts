import { createHash } from 'node:crypto'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import type { RestDoor } from '../target/rest-door.ts'
import type { S3Door } from '../target/s3-door.ts'

export interface Written {
  readonly key: string
  readonly body: number
  readonly size: number
}

/** `there` and `gone`: its door said so. `open`: nobody knows; wholly there or wholly not. */
type Known = Written & { state: 'there' | 'gone' | 'open' }

/**
 * Objects that are written once, through doors that have no model of their own: S3 and the program
 * on the command line. What one door said must hold in the other.
 */
export class OtherDoors {
  readonly #known = new Map<string, Known>()
  #bodies = 0x6000_0000
  acknowledged = 0

  /** A new object, of which nothing is known until `told`. */
  begin(key: string, size: number): Written {
    this.#bodies += 1
    const written = { key, body: this.#bodies, size }
    this.#known.set(key, { ...written, state: 'open' })
    return written
  }

  told(key: string, state: Known['state']): void {
    const known = this.#known.get(key)
    if (known === undefined) throw new RangeError(`nobody wrote ${key}`)
    known.state = state
    if (state !== 'open') this.acknowledged += 1
  }

  /** One of those that are there for certain. */
  pick(random: SeededRandom, prefix: string): Written | undefined {
    const there = [...this.#known.values()].filter(
      ({ key, state }) => state === 'there' && key.startsWith(prefix),
    )
    return there.length === 0 ? undefined : random.pick(there)
  }

  /** Everything against what was said; afterwards what was seen must stay. */
  async look(rest: RestDoor, s3: S3Door): Promise<{ problems: string[]; looked: number }> {
    const listed = await listAll(rest)
    const problems: string[] = []
    for (const key of listed.keys()) {
      if (!this.#known.has(key)) problems.push(`unknown key ${key}`)
    }
    for (const known of this.#known.values()) {
      const { key, state, body, size } = known
      const right = createHash('sha256').update(makeBody(body, size)).digest('hex')
      const found = listed.get(key)
      if (state === 'there' && found === undefined) problems.push(`${key} was stored and is gone`)
      if (state === 'gone' && found !== undefined) problems.push(`${key} was deleted and is back`)
      if (found !== undefined && found !== right) problems.push(`${key} has other bytes`)
      const looked = state === 'open'
      known.state = found === undefined ? 'gone' : 'there'
      if (!looked || found === undefined) continue
      // Bytes through both doors, where it was open how the write ended.
      const answers = [await rest.get(rest.pathOf(key)), await s3.get(key)]
      for (const { status, body: bytes } of answers) {
        const digest = createHash('sha256').update(bytes).digest('hex')
        if (status !== 200 || digest !== right) problems.push(`GET ${key}: ${status}, other bytes`)
      }
    }
    return { problems, looked: this.#known.size }
  }
}

interface Page {
  readonly items: readonly { readonly key: string; readonly checksum: string }[]
  readonly next_cursor: string | null
}

/** SHA-256 of each key, as the record tells it. */
async function listAll(door: RestDoor): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let cursor: string | null = null
  do {
    const query = new URLSearchParams({ limit: '1000' })
    if (cursor !== null) query.set('cursor', cursor)
    const page: Page = await door.json(`/api/v2/buckets/${door.bucket}/assets?${query}`)
    for (const { key, checksum } of page.items) found.set(key, checksum.replace(/^sha256:/, ''))
    cursor = page.next_cursor
  } while (cursor !== null)
  return found
}
