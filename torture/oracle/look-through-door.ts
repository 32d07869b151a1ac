import { createHash } from 'node:crypto'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { bodyProblem, makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import type { RestDoor } from '../target/rest-door.ts'
import { absent, type KeyModel, type KeyState } from './key-model.ts'

interface Shown {
  readonly id: string
  readonly key: string
  readonly size: number
  readonly checksum: string
  readonly etag: string
  readonly metadata: { readonly note?: number; readonly body?: number; readonly size?: number }
  readonly is_deleted: boolean
}

export interface Look {
  readonly door: RestDoor
  readonly random: SeededRandom
}

const readsAtOnce = 16
/** Share of the keys whose bytes are read again though nobody touched them. */
const readAgain = 0.2

/**
 * Holds every key against its model, as the REST door shows it: content, ranges, digests, metadata,
 * versions, listings in pages, trash. Answers the problems; afterwards what was seen must stay.
 */
export async function lookThroughDoor(
  models: ReadonlyMap<string, KeyModel>,
  look: Look,
): Promise<string[]> {
  const problems: string[] = []
  const all = await listAll(look)
  const listed = await listKeys(look, problems)
  for (const key of all.keys()) if (!models.has(key)) problems.push(`unknown key ${key}`)
  const waiting = [...models.values()]
  const work = async () => {
    for (let model = waiting.pop(); model !== undefined; model = waiting.pop()) {
      const { key } = model
      const shown = all.get(key)
      const whole = model.touched || look.random.chance(readAgain)
      const found = whole ? await lookAtKey(look, key, shown) : { state: told(shown), problems: [] }
      problems.push(...found.problems)
      const isListed = listed.has(key)
      const isShown = found.state.content !== undefined && !found.state.inTrash
      if (isListed !== isShown) {
        problems.push(`${key} is ${isListed ? '' : 'not '}listed, but GET says otherwise`)
      }
      const problem = whole ? model.look(found.state) : model.glance(found.state)
      if (problem !== undefined) problems.push(problem)
    }
  }
  await Promise.all(Array.from({ length: readsAtOnce }, work))
  return problems
}

/** All assets of the bucket by key, those in the trash too. */
async function listAll({ door, random }: Look): Promise<Map<string, Shown>> {
  const found = new Map<string, Shown>()
  const query = new URLSearchParams({ bucket: door.bucket, include_deleted: 'true' })
  query.set('limit', String(random.pick([50, 1000])))
  let cursor: string | null = null
  do {
    if (cursor !== null) query.set('cursor', cursor)
    const page: Page = await door.json(`/api/v2/assets?${query}`)
    for (const asset of page.items) found.set(asset.key, asset)
    cursor = page.next_cursor
  } while (cursor !== null)
  return found
}

interface Page {
  readonly items: readonly Shown[]
  readonly next_cursor: string | null
}

/** Keys in order, in pages: each exactly once. */
async function listKeys({ door, random }: Look, problems: string[]): Promise<Set<string>> {
  const keys: string[] = []
  const limit = String(random.pick([7, 100, 1000]))
  const query = new URLSearchParams({ limit })
  let cursor: string | null = null
  do {
    if (cursor !== null) query.set('cursor', cursor)
    const page: Page = await door.json(`/api/v2/buckets/${door.bucket}/assets?${query}`)
    if (page.items.length === 0 && page.next_cursor !== null) problems.push('an empty page goes on')
    keys.push(...page.items.map(({ key }) => key))
    cursor = page.next_cursor
  } while (cursor !== null)
  const ordered = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  if (new Set(keys).size !== keys.length) problems.push(`pages of ${limit} list a key twice`)
  if (ordered.some((key, at) => key !== keys[at])) problems.push(`pages of ${limit} are unordered`)
  return new Set(keys)
}

/** What the lists say, without the number of versions. */
function told(shown: Shown | undefined): KeyState {
  if (shown === undefined) return absent
  const { note = 0, body = 0, size = 0 } = shown.metadata
  return { content: { body, size }, note, inTrash: shown.is_deleted }
}

async function lookAtKey(
  look: Look,
  key: string,
  shown: Shown | undefined,
): Promise<{ state: KeyState; problems: string[] }> {
  const { door } = look
  const answer = await door.get(door.pathOf(key))
  const problems: string[] = []
  if (answer.status !== 200 && answer.status !== 404) {
    problems.push(`GET ${key}: ${answer.status} ${answer.code}`)
  }
  if (shown === undefined) {
    if (answer.status === 200) problems.push(`${key} is served, but in no list`)
    return { state: absent, problems }
  }
  if (shown.is_deleted !== (answer.status === 404)) {
    problems.push(`${key}: deleted is ${shown.is_deleted}, GET ${answer.status}`)
  }
  const state = told(shown)
  const { body = 0, size = 0 } = shown.metadata
  const content = { body, size }
  if (answer.status === 200) problems.push(...bytesProblems(answer, shown, content))
  if (answer.status === 200 && size > 2) problems.push(...(await rangeProblems(look, key, content)))
  const { total }: { total: number } = await door.json(
    `/api/v2/assets/${shown.id}/versions?limit=1&include_deleted=true`,
  )
  return { state: { ...state, versions: total }, problems }
}

function bytesProblems(
  { body: bytes, headers }: { body: Buffer; headers: NodeJS.Dict<string | string[]> },
  shown: Shown,
  content: { readonly body: number; readonly size: number },
): string[] {
  const { key } = shown
  const problem = bodyProblem(bytes, { operation: content.body, length: content.size })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const told = { record: shown.checksum, etag: shown.etag, header: String(headers['x-checksum']) }
  const problems = problem === undefined ? [] : [`${key}: ${problem}`]
  for (const [where, digest] of Object.entries(told)) {
    if (!digest.includes(sha256)) problems.push(`${key}: SHA-256 ${sha256}, the ${where} ${digest}`)
  }
  if (shown.size !== bytes.length)
    problems.push(`${key}: ${bytes.length} bytes, told ${shown.size}`)
  return problems
}

/** One range of each kind in turn: first byte, last byte, over the border of a block. */
async function rangeProblems(
  { door, random }: Look,
  key: string,
  { body, size }: { readonly body: number; readonly size: number },
): Promise<string[]> {
  const middle = Math.floor(size / 2)
  const border = size > 65_600 ? 65_530 : middle
  const [range, first, last] = random.pick([
    ['0-0', 0, 0],
    ['-1', size - 1, size - 1],
    [`${border}-${border + 1}`, border, border + 1],
    [`1-${size - 2}`, 1, size - 2],
  ] as const)
  const answer = await door.get(door.pathOf(key), { range: `bytes=${range}` })
  const right = makeBody(body, size).subarray(first, last + 1)
  if (answer.status === 206 && Buffer.compare(answer.body, right) === 0) return []
  return [`${key}: range ${range} of ${size} gave ${answer.status}, ${answer.body.length} bytes`]
}
