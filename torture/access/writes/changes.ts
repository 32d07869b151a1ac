import { isDeepStrictEqual } from 'node:util'
import type { BriefVersion } from '@holdfast/core/records.ts'
import { onAsset } from './act.ts'
import { type AssetRow, bucketOf, holdsContent, isContent, type Rows } from './rows.ts'
import type { Question } from './rule.ts'

/** Permission, and what it is in the words of policies. */
type Right = readonly [permission: string, action: string]

/** What may lie behind a change: one of these, whole. */
type Ways = readonly (readonly Right[])[]

const put: Right = ['assets:write', 'PutObject']
const putVersion: Right = ['versions:write', 'PutObject']
const remove: Right = ['assets:write', 'DeleteObject']
const removeVersion: Right = ['versions:write', 'DeleteObjectVersion']
const removeForGood: Right = ['assets:write', 'DeleteObjectVersion']
const tag = (permission: string): Ways =>
  ['PutObjectTagging', 'DeleteObjectTagging', 'PutObjectVersionTagging'].map(action => [
    [permission, action],
  ])
const untagVersion: Right = ['metadata:write', 'DeleteObjectVersionTagging']

/**
 * What happened to an asset, and the rights that each of it takes (docs/security.md: "Groups,
 * grants, access lists"). What goes out of sight with its versions takes what removing those
 * takes, whatever made it go.
 */
export const table = {
  'new content': [[put], [putVersion]],
  'a null version gave way': [[put], [putVersion], [remove], [removeVersion]],
  'a version went': [[removeVersion]],
  'a version went, none other is kept': [[removeVersion], [remove, removeForGood]],
  deleted: [[remove], [removeVersion]],
  'in the trash': [[remove]],
  'in the trash, or its only version went': [[remove], [removeVersion]],
  'displaced with its versions': [[remove, removeVersion]],
  displaced: [[remove]],
  'removed for good': [[remove, removeVersion]],
  'removed for good, none other was kept': [[remove, removeForGood]],
  'its only version went': [[removeVersion], [remove, removeForGood]],
  shown: [[put], [putVersion], [removeVersion]],
  'another version is shown': [[put], [putVersion], [remove], [removeVersion]],
  'a marker went': [[put], [putVersion], [removeVersion]],
  tags: [
    ...tag('assets:write'),
    ...tag('metadata:write'),
    ...tag('versions:write'),
    [untagVersion],
  ],
  metadata: [[put], [putVersion], [['metadata:write', 'PutObject']]],
  list: [[['assets:write', 'PutObjectAcl']]],
  'list of a version': [
    [['assets:write', 'PutObjectAcl']],
    [['assets:write', 'PutObjectVersionAcl']],
  ],
  'taken from its place': [[remove]],
  owner: [],
} as const satisfies Readonly<Record<string, Ways>>

export interface Change {
  readonly what: string
  readonly asset: AssetRow
  /** One of these, whole; none: nobody may. */
  readonly ways: readonly (readonly Question[])[]
}

/** All that a write did to the assets of some buckets. */
export function changesOf(before: Rows, after: Rows): Change[] {
  const ids = new Set([...before.assets.keys(), ...after.assets.keys()])
  return [...ids].flatMap(id => {
    const was = before.assets.get(id)
    const is = after.assets.get(id)
    if (isDeepStrictEqual(was, is)) return []
    // Who made nothing but a marker has no part in what others put there.
    if (was !== undefined && holdsContent(was)) return ofHeld({ before, after }, was, is)
    return is === undefined ? [] : ofFree(before, is)
  })
}

/** At a key that no content holds: the right to make a new asset. */
function ofFree(before: Rows, is: AssetRow): Change[] {
  if (is.trashed) return []
  const bucket = bucketOf(before, is.bucket)
  const fresh = { key: is.key, ownerId: is.ownerId }
  const ask = ([permission, action]: Right): Question[] => [
    { permission, action: `s3:${action}`, bucket, fresh },
  ]
  if (holdsContent(is)) return [{ what: 'made', asset: is, ways: [put, putVersion].map(ask) }]
  return [{ what: 'mere markers', asset: is, ways: [remove, put, removeVersion].map(ask) }]
}

function ofHeld(rows: { before: Rows; after: Rows }, was: AssetRow, is: AssetRow | undefined) {
  const { before } = rows
  const found: Change[] = []
  const say = (what: keyof typeof table) => {
    const ways = table[what] as Ways
    const ask = ([permission, action]: Right) => onAsset({ rows: before }, was, permission, action)
    found.push({ what, asset: was, ways: ways.map(way => way.map(ask)) })
  }
  const kept = keepsVersions(before, was)
  const isSingle = was.versions.filter(isContent).length <= 1
  if (is === undefined) {
    // S3 has no record of what has no version.
    if (isSingle) say('its only version went')
    else say(kept ? 'removed for good' : 'removed for good, none other was kept')
    return found
  }
  if (!was.trashed && is.trashed) {
    const { bucket, key } = was
    const others = [...rows.after.assets.values()].some(
      each => each.id !== was.id && each.bucket === bucket && each.key === key && !each.trashed,
    )
    if (others) say(kept ? 'displaced with its versions' : 'displaced')
    else say(isSingle ? 'in the trash, or its only version went' : 'in the trash')
    return found
  }
  if (was.ownerId !== is.ownerId) say('owner')
  if (was.deletedAt === null && is.deletedAt !== null) say('deleted')
  if (was.deletedAt !== null && is.deletedAt === null) say('shown')
  else if (was.versionId !== is.versionId) say('another version is shown')
  if (!isDeepStrictEqual(was.acl, is.acl)) say('list')
  if (was.bucket !== is.bucket || was.key !== is.key) {
    say('taken from its place')
    const fresh = { key: is.key, ownerId: is.ownerId }
    const bucket = bucketOf(before, is.bucket)
    const question = { permission: 'assets:write', action: 's3:PutObject', bucket, fresh }
    found.push({ what: 'put elsewhere', asset: was, ways: [[question]] })
  }
  for (const what of ofVersions(was, is)) say(what)
  return found
}

function ofVersions(was: AssetRow, is: AssetRow): (keyof typeof table)[] {
  const found: (keyof typeof table)[] = []
  const now = new Map(is.versions.map(version => [version.id, version]))
  const before = new Set(was.versions.map(({ id }) => id))
  const added = is.versions.filter(({ id }) => !before.has(id))
  const isNew = added.some(isContent)
  if (isNew) found.push('new content')
  else if (was.versionId === is.versionId) {
    if (!isDeepStrictEqual(was.tags, is.tags)) found.push('tags')
    if (!isDeepStrictEqual(was.metadata, is.metadata)) found.push('metadata')
  }
  const kept = was.versions.filter(isContent)
  for (const version of was.versions) {
    const then = now.get(version.id)
    const isGone = then === undefined || then.deletedAt !== null
    const gaveWay = version.isNull === true && added.some(({ isNull }) => isNull === true)
    if (isGone && (version.kind === 'marker' || isContent(version))) {
      if (gaveWay) found.push('a null version gave way')
      else if (version.kind === 'marker') found.push('a marker went')
      else found.push(kept.length > 1 ? 'a version went' : 'a version went, none other is kept')
    } else if (then !== undefined) found.push(...ofVersion(version, then))
  }
  return found
}

function ofVersion(was: BriefVersion, is: BriefVersion): (keyof typeof table)[] {
  const found: (keyof typeof table)[] = []
  const facets = ({ object, tags }: BriefVersion) => [tags.map(({ name }) => name), object?.tags]
  if (!isDeepStrictEqual(facets(was), facets(is))) found.push('tags')
  if (!isDeepStrictEqual(was.metadata, is.metadata)) found.push('metadata')
  if (!isDeepStrictEqual(was.object?.acl, is.object?.acl)) found.push('list of a version')
  return found
}

/** Whether a put would have left something of what is there. */
function keepsVersions(rows: Rows, asset: AssetRow): boolean {
  const { versioning } = bucketOf(rows, asset.bucket).settings
  const all = asset.versions.filter(isContent)
  return versioning === 'enabled' || all.some(({ isNull }) => isNull !== true)
}
