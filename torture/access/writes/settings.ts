import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import type { Tree } from '../wire.ts'
import type { Persons } from './persons.ts'
import { atKey, bucketOf } from './rows.ts'
import { keys, type Stage } from './stage.ts'
import { drawPlace, type Setting, type Step } from './steps.ts'

const objectActions = [
  ...['GetObject', 'GetObjectVersion', 'PutObject', 'DeleteObject', 'DeleteObjectVersion'],
  ...['PutObject', 'DeleteObject', 'PutObjectAcl', 'PutObjectTagging', 'GetObjectTagging'],
  ...['PutObjectVersionTagging', 'PutObjectVersionAcl', 'DeleteObjectTagging'],
].map(name => `s3:${name}`)
/** These are asked of what has tags already. */
const byTag = ['s3:GetObject', 's3:GetObjectVersion', 's3:DeleteObject', 's3:PutObjectTagging']
const grantable = ['assets', 'versions', 'metadata'].flatMap(thing => [
  `${thing}:read`,
  `${thing}:write`,
])
const nameless = new Set(['anonymous', 'narrow'])

/** What an administrator sets between the writes of others. */
export function drawSetting(random: SeededRandom, { all }: Persons): Step {
  const named = all.filter(({ name }) => !nameless.has(name)).map(({ name }) => name)
  const some = <T>(list: readonly T[], chance: number) => list.filter(() => random.chance(chance))
  const set = ((): Setting => {
    const kind = random.below(12)
    if (kind < 4) return drawPut(random, named)
    if (kind === 4) return { kind: 'bucket', body: { public_read: random.chance(0.7) } }
    if (kind === 5) {
      const versioning = random.pick(['enabled', 'suspended', 'suspended'])
      return { kind: 'bucket', body: { versioning } }
    }
    if (kind === 6) {
      const flags = ['ignorePublicAcls', 'restrictPublicBuckets', 'blockPublicAcls']
      const document = Object.fromEntries(flags.map(flag => [flag, random.chance(0.4)]))
      return {
        kind: 'document',
        name: 'publicAccessBlock',
        document: { ...document, blockPublicPolicy: false },
      }
    }
    if (kind === 7) return drawBucketList(random, named)
    if (kind < 10) {
      const to = random.pick([...named.slice(0, 3), 'group'])
      const permissions = some(grantable, 0.4)
      if (permissions.length === 0) permissions.push('assets:write')
      return { kind: 'grant', to, prefix: random.pick(['', 'p/']), permissions }
    }
    const statements = Array.from({ length: 1 + random.below(3) }, () =>
      drawStatement(random, named),
    )
    return { kind: 'document', name: 'policy', document: statements }
  })()
  const at = drawPlace(random)
  return { who: 'administrator', act: 'settings', at, to: at, nth: 0, with: random.below(8), set }
}

function drawPut(random: SeededRandom, named: readonly string[]): Setting {
  const some = (chance: number) => named.filter(() => random.chance(chance))
  const acl = random.chance(0.2) ? { read: some(0.3), write: some(0.2) } : null
  return { kind: 'put', owner: random.pick(named), acl, isS3: random.chance(0.5) }
}

function drawBucketList(random: SeededRandom, named: readonly string[]): Setting {
  const grants = Array.from({ length: 1 + random.below(2) }, () => ({
    permission: random.pick(['READ', 'WRITE', 'WRITE', 'FULL_CONTROL']),
    grantee: random.pick(['all', 'authenticated', ...named]),
  }))
  return { kind: 'document', name: 'acl', document: grants }
}

function drawStatement(random: SeededRandom, named: readonly string[]): Tree {
  const Effect = random.chance(0.35) ? 'Deny' : 'Allow'
  const who = random.chance(0.2) ? '*' : named.filter(() => random.chance(0.35))
  const isByTag = random.chance(0.2)
  const pool = isByTag ? byTag : objectActions
  const Action = [...new Set(Array.from({ length: 4 }, () => random.pick(pool)))]
  const on = random.pick(['*', '*', 'p/*', keys[0]])
  const Condition = { StringEquals: { 's3:ExistingObjectTag/color': 'red' } }
  return {
    Effect,
    who: who.length === 0 ? [named[0]] : who,
    Action,
    on,
    ...(isByTag ? { Condition } : {}),
  }
}

/** Documents may be refused as they are drawn: then nothing was set. */
const refusals = ['PUBLIC_ACCESS_BLOCKED']

export async function arrange(stage: Stage, step: Step): Promise<void> {
  const { set, at } = step
  if (set === undefined) return
  const name = stage.buckets[at.bucket] ?? ''
  const path = `/api/v2/buckets/${name}`
  if (set.kind === 'bucket') {
    // Refused where a public access block is on.
    await stage.asAdministrator({ method: 'PUT', path, body: set.body })
  } else if (set.kind === 'put') {
    await put(stage, step, set)
  } else if (set.kind === 'grant') {
    const { to, prefix, permissions } = set
    const id = to === 'group' ? stage.persons.groupId : stage.person(to).id
    const body = { principal_id: id, bucket: name, prefix, permissions }
    const answer = await stage.asAdministrator({ method: 'POST', path: '/api/v2/grants', body })
    if (answer.status < 300) {
      stage.grants.push({ principalIds: [id], bucket: name, prefix, permissions })
    }
  } else {
    try {
      await stage.setDocument(name, set.name, await documentOf(stage, name, set))
    } catch (error) {
      const { code } = error as { readonly code?: string }
      if (code === undefined || !refusals.includes(code)) throw error
    }
  }
}

async function documentOf(
  stage: Stage,
  bucket: string,
  { name, document }: Setting & { readonly kind: 'document' },
): Promise<Tree> {
  const found: Tree = document
  const idOf = (who: string) => stage.person(who).id
  if (name === 'policy') {
    const Statement = found.map(({ who, on, ...rest }: Tree) => ({
      ...rest,
      Principal: who === '*' ? '*' : { AWS: who.map(idOf) },
      Resource: `arn:aws:s3:::${bucket}/${on}`,
    }))
    return { Version: '2012-10-17', Statement }
  }
  if (name !== 'acl') return found
  const row = bucketOf(await stage.rows(), bucket)
  const before: Tree = row.documents?.acl
  const owner = before?.owner ?? row.ownerId ?? row.createdBy
  const isGroup = (grantee: string) => grantee === 'all' || grantee === 'authenticated'
  const grants = found.map(({ permission, grantee }: Tree) => ({
    permission,
    grantee: isGroup(grantee) ? grantee : { id: idOf(grantee) },
  }))
  return { owner, grants }
}

/** Content of somebody, with tags and metadata; with 4, in place of what is redacted so. */
async function put(
  stage: Stage,
  { at, with: more }: Step,
  { owner, acl, isS3 }: Setting & { readonly kind: 'put' },
): Promise<void> {
  const bucket = stage.buckets[at.bucket] ?? ''
  const content = stage.canary('content')
  if (more & 4) {
    const old = { method: 'PUT', path: `/${bucket}/${at.key}` }
    const headers = { 'x-amz-meta-note': stage.canary('note') }
    await stage.s3AsAdministrator({ ...old, headers, body: stage.canary('content') })
    const suspended = { versioning: 'suspended' }
    if (more & 2) {
      await stage.must({ method: 'PUT', path: `/api/v2/buckets/${bucket}`, body: suspended })
    }
  }
  const color = more & 1 ? '&color=red' : ''
  if (isS3) {
    const headers = {
      'x-amz-tagging': `note=${stage.canary('tag')}${color}`,
      'x-amz-meta-note': stage.canary('note'),
      ...(more & 2 ? { 'x-amz-acl': 'public-read' } : {}),
    }
    const path = `/${bucket}/${at.key}`
    await stage.s3AsAdministrator({ method: 'PUT', path, headers, body: content })
  } else {
    const query = `owner_id=${stage.person(owner).id}&tags=${stage.canary('tag')}`
    const headers = { 'x-metadata': JSON.stringify({ note: stage.canary('note') }) }
    const path = `/api/v2/buckets/${bucket}/assets/${at.key}?${query}`
    await stage.asAdministrator({ method: 'PUT', path, headers, body: Buffer.from(content) })
  }
  const asset = atKey(await stage.rows(), bucket, at.key)
  if (asset === undefined || acl === null) return
  const ids = (names: readonly string[]) => names.map(who => stage.person(who).id)
  const body = { acl: { read: ids(acl.read), write: ids(acl.write) } }
  await stage.asAdministrator({ method: 'PUT', path: `/api/v2/assets/${asset.id}`, body })
}
