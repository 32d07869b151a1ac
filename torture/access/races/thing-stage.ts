import { createAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import { adminKey, type Lab } from '../open-lab.ts'
import { password } from '../people.ts'
import { type Plain, sign } from '../s3/sign.ts'
import { type Answer, jsonOf, type Tree } from '../wire.ts'
import type { Act, Person, Scene, Shape, Stage } from './race.ts'
import { isBucketAct, thingActs } from './thing-acts.ts'

export const theKey = 'k'

/** Buckets and what lies in them: one of an owner, who has opened it to a guest by a policy. */
export async function openThingStage(lab: Lab, shape: Shape): Promise<Stage> {
  const people = await openPeople(lab, shape)
  const acts = thingActs(shape)
  return {
    name: shape,
    acts,
    meet: (one: Act, other: Act) => shape === 'bare' || !(isBucketAct(one) && isBucketAct(other)),
    open: async mark => await openScene(lab, { mark, shape, people }),
    state: stateOf,
  }
}

export type ThingPeople = Pick<Scene, 'admin' | 'owner' | 'guest'>

export async function openPeople(lab: Lab, stage: string): Promise<ThingPeople> {
  return {
    admin: {
      ...{ name: 'admin', id: 'nobody', headers: { 'x-api-key': adminKey } },
      pair: await newPair(lab, null),
    },
    owner: await newPerson(lab, `race-owner-${stage}`, ['USER']),
    guest: await newPerson(lab, `race-guest-${stage}`, ['USER']),
  }
}

/** Of a user with its session; null: of nobody but itself, with all permissions. */
export async function newPair(lab: Lab, userId: string | null): Promise<Person['pair']> {
  const input = { name: 'races', userId, ...(userId === null ? { permissions: ['*'] } : {}) }
  const { key, secret } = await createAccessKey(lab.context.engine, systemCall('races'), input)
  return { id: key.id, secret }
}

export async function newPerson(lab: Lab, username: string, roles: string[]): Promise<Person> {
  const input = { username, password, roles, must_change_password: false }
  const { id } = await lab.must('POST', '/api/v2/users', input)
  const tokens = await lab.must('POST', '/api/v2/auth/login', { username, password })
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  return { name: username, id, headers, pair: await newPair(lab, id) }
}

interface Plan {
  readonly mark: string
  readonly shape: Shape
  readonly people: ThingPeople
}

export async function openScene(lab: Lab, { mark, shape, people }: Plan): Promise<Scene> {
  const bucket = `${mark}-b`
  const { owner, guest } = people
  const s3 = async (plain: Plain) => await mustS3(lab, owner, plain)
  const lock = { 'x-amz-bucket-object-lock-enabled': 'true' }
  const path = `/${bucket}`
  await s3({ method: 'PUT', path, headers: shape === 'locked' ? lock : {} })
  if (shape === 'versioned') {
    const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
    await s3({ method: 'PUT', path, query: { versioning: '' }, body })
  }
  const body = openPolicy(bucket, guest)
  if (shape !== 'bare') await s3({ method: 'PUT', path, query: { policy: '' }, body })
  const { id: bucketId } = await recordOf(lab, bucket)
  const ids: Record<string, string> = {}
  if (shape !== 'bare') {
    for (const [key, body, headers] of [
      ['k', 'first', {}],
      ['k', 'second', {}],
      ['listed', 'listed', { 'x-amz-grant-full-control': `id=${guest.id}` }],
    ] as const) {
      await s3({ method: 'PUT', path: `${path}/${key}`, body, headers })
      const asset = await lab.context.engine.catalog.view.assets.byKey(bucketId, key)
      ids[key] = asset?.id ?? ''
    }
  }
  const begun = await s3({ method: 'POST', path: `${path}/${theKey}`, query: { uploads: '' } })
  ids.upload = /<UploadId>([^<]+)</.exec(begun.text)?.[1] ?? ''
  const query = { uploadId: ids.upload, partNumber: '1' }
  const part = await s3({ method: 'PUT', path: `${path}/${theKey}`, query, body: 'part' })
  const made = new Map([['part', { etag: part.headers.etag ?? '' }]])
  return { ...people, lab, mark, bucket, bucketId, beganMs: lab.now(), ids, made }
}

export function openPolicy(bucket: string, { id }: Pick<Person, 'id'>): string {
  const keys = ['', '/k*', '/form', '/free/*', '/copied', '/away']
  const Resource = keys.map(key => `arn:aws:s3:::${bucket}${key}`)
  const about = { Principal: { AWS: id }, Action: 's3:*', Resource }
  const Condition = { StringEquals: { 's3:ExistingObjectTag/closed': 'yes' } }
  const Statement = [
    { ...about, Effect: 'Allow' },
    { ...about, Effect: 'Deny', Condition },
  ]
  return JSON.stringify({ Version: '2012-10-17', Statement })
}

export async function mustS3(
  lab: Lab,
  { pair }: Pick<Person, 'pair'>,
  plain: Plain,
): Promise<Answer> {
  const signing = { pair, mode: 'header', host: lab.s3.host, nowMs: lab.now() } as const
  const answer = await lab.s3.ask(sign(plain, signing))
  if (answer.status < 300) return answer
  throw new Error(`${plain.method} ${plain.path}: ${answer.status} ${answer.text}`)
}

export async function recordOf(lab: Lab, name: string) {
  const record = await lab.context.engine.catalog.view.buckets.byName(name)
  if (record === undefined) throw new Error(`no ${name}`)
  return record
}

/** What the catalog holds of the bucket and of one that took its name, and what people can read. */
export async function stateOf(scene: Scene): Promise<Tree> {
  const { lab, bucket: name, bucketId } = scene
  const { view } = lab.context.engine.catalog
  const before = await view.buckets.byId(bucketId)
  const now = await view.buckets.byName(name)
  const buckets: Tree[] = []
  for (const id of new Set([bucketId, now?.id ?? bucketId])) {
    buckets.push(await contentOf(scene, id))
  }
  const copies = await view.buckets.byName(`${scene.mark}-c`)
  return {
    ...{ before: before ?? null, now: now?.id === before?.id ? 'the same' : (now ?? null) },
    ...{ buckets, copies: copies ?? null },
    usage: await view.quotas.usage('bucket', name),
    quota: (await view.quotas.get('bucket', name)) ?? null,
    grants: (await grantsOf(scene)).filter(one => one.bucket === name),
    shares: await sharesOf(scene),
    reads: await readsOf(scene),
  }
}

/** Free names go up by one: 10 comes after 9. */
const inOrder = new Intl.Collator('en', { numeric: true })

export async function contentOf({ lab }: Pick<Scene, 'lab'>, bucketId: string): Promise<Tree> {
  const { view } = lab.context.engine.catalog
  const assets = await view.assets.list({ bucketId, deleted: 'with', limit: 100 })
  const told: Tree[] = []
  for (const asset of assets.sort((one, other) => inOrder.compare(one.key, other.key))) {
    const versions = await view.versions.list({ assetId: asset.id, deleted: 'with', limit: 100 })
    const links = await view.links.of({ assetId: asset.id, limit: 100 })
    told.push({ ...asset, versions, links })
  }
  const uploads: Tree[] = []
  for (const { upload } of await view.uploads.list({ bucketId, limit: 100 })) {
    if (upload === undefined) continue
    const parts = await view.uploads.parts({ uploadId: upload.id, limit: 100 })
    uploads.push({ ...upload, parts })
  }
  return { assets: told, uploads }
}

async function grantsOf({ lab, guest }: Scene) {
  const query = { kind: 'grant', belongsTo: guest.id, limit: 1000 } as const
  return await lab.context.engine.catalog.view.identities.list(query)
}

/** Of the owner, who makes them in every scene. */
async function sharesOf({ lab, owner, bucketId, ids }: Scene): Promise<Tree[]> {
  const query = { kind: 'share', belongsTo: owner.id, limit: 5000 } as const
  const shares = await lab.context.engine.catalog.view.identities.list(query)
  const known = Object.values(ids)
  return shares
    .filter(({ target }) =>
      target.kind === 'asset' ? known.includes(target.assetId) : target.bucketId === bucketId,
    )
    .map(({ names: _, ...share }) => share)
}

/** Through a public door, by each. */
async function readsOf(scene: Scene): Promise<Tree> {
  const { lab, bucket, owner, guest } = scene
  const reads: Record<string, string> = {}
  for (const { name, headers } of [owner, guest, { name: 'nobody', headers: {} }]) {
    const path = `/api/v2/buckets/${bucket}/assets/${theKey}`
    const { status, text } = await lab.rest.ask({ method: 'GET', path, headers })
    reads[name.replace(/-\w+$/, '')] = `${status} ${status < 300 ? text : ''}`
  }
  const path = `/api/v2/buckets/${bucket}`
  const { headers } = scene.admin
  const shown = jsonOf(await lab.rest.ask({ method: 'GET', path, headers }))
  return { ...reads, bucket: shown?.id === undefined ? shown?.code : shown }
}
