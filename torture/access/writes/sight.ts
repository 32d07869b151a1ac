import { createHash } from 'node:crypto'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import type { Answer } from '../wire.ts'
import { onAsset } from './act.ts'
import type { Person } from './persons.ts'
import { type AssetRow, bucketOf, type Rows, s3Name, tagsOf } from './rows.ts'
import { mayDo, type Question, type Verdict } from './rule.ts'
import type { Stage } from './stage.ts'

/** A way to read, and its answer. */
interface Look {
  readonly way: string
  ask(): Promise<Answer>
}

/** What somebody got to see, and how. */
export interface Seen {
  readonly person: Person
  readonly canary: string
  readonly way: string
}

/**
 * Reads assets as everybody: the content shown at each door, each version by one of its ways and,
 * of what tells of it (records, lists, tags, search, trash), two. Without `random`, by all.
 */
export async function lookAgain(
  stage: Stage,
  rows: Rows,
  { ids, random }: { readonly ids: readonly string[]; readonly random: SeededRandom | undefined },
): Promise<Seen[]> {
  const seen = new Map<string, Seen>()
  const asks = stage.persons.all.flatMap(person =>
    ids.flatMap(id => {
      const asset = rows.assets.get(id)
      if (asset === undefined) return []
      const all = looks(stage, person, asset)
      const chosen =
        random === undefined
          ? [...all.shown, ...all.versions.flat(), ...all.told]
          : [
              ...all.shown,
              ...all.versions.filter(ways => ways.length > 0).map(ways => random.pick(ways)),
              ...(all.told.length === 0 ? [] : [random.pick(all.told), random.pick(all.told)]),
            ]
      return chosen.map(async ({ way, ask }) => {
        const { status, text, headers } = await ask()
        if (status >= 300) return
        for (const canary of stage.canariesIn(`${text} ${JSON.stringify(headers)}`)) {
          const name = `${person.name} ${canary}`
          if (!seen.has(name)) seen.set(name, { person, canary, way: `${way} of ${asset.key}` })
        }
      })
    }),
  )
  await Promise.all(asks)
  return [...seen.values()]
}

function looks(stage: Stage, person: Person, asset: AssetRow) {
  const ways = { shown: [] as Look[], versions: [] as Look[][], told: [] as Look[] }
  const rest = (path: string): Look => ({
    way: `GET ${path.replace(asset.id, '{id}')}`,
    ask: async () => await stage.rest(person, { method: 'GET', path: `/api/v2${path}` }),
  })
  const path = `/${asset.bucket}/${asset.key}`
  const s3 = (query: Record<string, string>): Look => ({
    way: `S3 GET ${path} ${JSON.stringify(query)}`,
    ask: async () => await stage.s3(person, { method: 'GET', path, query }),
  })
  const ofAsset = `/assets/${asset.id}`
  const isAtRest = person.headers !== undefined
  const isAtS3 = person.pair !== undefined && !asset.trashed
  if (isAtRest) {
    ways.shown.push(rest(`${ofAsset}/download`))
    ways.shown.push(rest(`/buckets/${asset.bucket}/assets/${asset.key}`))
    for (const query of ['?include_deleted=true', '/versions', '/versions/history', '/metadata']) {
      ways.told.push(rest(`${ofAsset}${query}`))
    }
    ways.told.push(rest(`/assets?bucket=${asset.bucket}&limit=100`))
    ways.told.push(rest(`/assets?bucket=${asset.bucket}&include_deleted=true&limit=100`))
  }
  if (isAtS3) {
    ways.shown.push(s3({}))
    ways.told.push(s3({ tagging: '' }))
  }
  for (const version of asset.versions) {
    const each: Look[] = []
    if (isAtRest) {
      each.push(rest(`${ofAsset}/download?version=${version.number}`))
      each.push(rest(`${ofAsset}/versions/${version.id}/download`))
    }
    if (isAtS3 && version.deletedAt === null) {
      const versionId = s3Name(version)
      each.push(s3({ versionId }))
      ways.told.push(s3({ versionId, tagging: '' }))
    }
    ways.versions.push(each)
  }
  return ways
}

/** Where a canary lies. */
function holdsCanary(asset: AssetRow, at: number, canary: string): boolean {
  const version = asset.versions[at]
  if (version === undefined) return false
  if (canary.startsWith('kvc')) {
    return version.sha256 === createHash('sha256').update(canary).digest('hex')
  }
  const isWithin = (told: unknown) => new RegExp(`\\b${canary}\\b`).test(JSON.stringify(told))
  if (isWithin([version.metadata, version.tags, version.object ?? null])) return true
  return version.id === asset.versionId && isWithin([asset.tags, asset.metadata])
}

/**
 * Whether the rule lets somebody read a canary, wherever it lies; what is nowhere any more is in
 * histories, and not judged. What is deleted counts as old, unless it may be shown again as it was.
 */
export function mayRead(
  stage: Stage,
  rows: Rows,
  asked: { readonly person: Person; readonly canary: string; readonly deletedAsShown: boolean },
): Verdict {
  const { person, canary } = asked
  let said: Verdict = 'no'
  let isFound = false
  for (const asset of rows.assets.values()) {
    for (const at of asset.versions.keys()) {
      if (!holdsCanary(asset, at, canary)) continue
      isFound = true
      // `include_deleted` of REST: who may write what is deleted is told what was shown last.
      const write = onAsset({ rows }, asset, 'assets:write', 'PutObject')
      const mayBeTold = !canary.startsWith('kvc') && !stage.uncovered.has(asset.versionId)
      const isTold = mayBeTold && mayDo(person, write, stage.grants) !== 'no'
      const place = { asset, at, isTold, uncovered: stage.uncovered }
      for (const question of questions(rows, { ...place, ...asked })) {
        const verdict = mayDo(person, question, stage.grants)
        if (verdict === 'yes') return 'yes'
        if (verdict === 'perhaps') said = 'perhaps'
      }
    }
  }
  return isFound ? said : 'perhaps'
}

function questions(
  rows: Rows,
  place: {
    readonly asset: AssetRow
    readonly at: number
    readonly canary: string
    readonly deletedAsShown: boolean
    readonly isTold: boolean
    readonly uncovered: ReadonlySet<string>
  },
): Question[] {
  const { asset, at, canary, deletedAsShown, uncovered } = place
  const version = asset.versions[at]
  const isBack = deletedAsShown && !uncovered.has(asset.versionId)
  const isRetracted = asset.deletedAt !== null && !isBack
  const isOld = version?.id !== asset.versionId || (isRetracted && !place.isTold)
  const about = {
    bucket: bucketOf(rows, asset.bucket),
    ...{ asset, version, isOld, tags: tagsOf(asset, version) },
  }
  const ask = (permission: string, action: string): Question => ({
    ...{ permission, action: `s3:${action}` },
    ...about,
  })
  // By its version id what is shown is read as a version.
  const found = [ask('assets:read', 'GetObjectVersion'), ask('versions:read', 'GetObjectVersion')]
  if (!isOld) found.push(ask('assets:read', 'GetObject'))
  if (canary.startsWith('kvc')) return found
  const tagging = isOld ? 'GetObjectVersionTagging' : 'GetObjectTagging'
  found.push(ask('metadata:read', tagging), ask('metadata:read', 'GetObject'))
  found.push(ask('versions:read', 'ListBucketVersions'))
  return found
}

/** Whose assets hold a canary. */
export function ownersOf(rows: Rows, canary: string): string[] {
  const all = [...rows.assets.values()]
  const holding = all.filter(asset =>
    [...asset.versions.keys()].some(at => holdsCanary(asset, at, canary)),
  )
  return holding.map(({ ownerId }) => ownerId)
}
