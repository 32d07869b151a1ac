import { randomUUID } from 'node:crypto'
import type { Caller } from '../access/people.ts'
import type { Pair } from '../access/s3/sign.ts'
import type { Length } from '../runner/program.ts'
import { apiKey as administratorKey } from '../target/holdfast-process.ts'
import { each, password, type Stand } from './stand.ts'

/** How much of everything there is: as much as its bound, or as can be made in the time. */
export const sizes = {
  short: { records: 200, foreign: 300, versions: 60, parts: 200, others: 60 },
  long: { records: 1000, foreign: 1000, versions: 1000, parts: 1000, others: 300 },
} as const
export type Sizes = (typeof sizes)[Length]

export interface Person extends Caller {
  readonly pair?: Pair
}

/** What is there to be asked for. */
export interface Facts {
  readonly owner: Person
  readonly readonly: Person
  readonly auditor: Person
  readonly visitor: Person
  /** An asset with the longest of everything, in a bucket of its owner. */
  readonly id: string
  readonly key: string
  readonly bucket: string
  /** Everybody may read it; its records and keys are as large as they can be. */
  readonly publicBucket: string
  /** Assets that none of them may see. */
  readonly foreignIds: readonly string[]
  readonly ownIds: readonly string[]
  readonly uploadId: string
  readonly etag: string
  /** Opens all of the public bucket. */
  readonly shareToken: string
}

export const names = {
  ours: 'st-ours',
  open: 'st-public',
  foreign: 'st-foreign',
  /** Of the owner; its settings change again and again. */
  spent: 'st-spent',
} as const
export const service = 'st-service'
const somebody = '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a'
const number = (n: number) => String(n).padStart(6, '0')

/** As large as `bounds` in core allow: 32 KiB, 64 tags of 256 bytes, 256 entries. */
export const metadata = Object.fromEntries(
  Array.from({ length: 240 }, (_, n) => [`key-${number(n)}`, 'm'.repeat(110)]),
)
export const tags = Array.from({ length: 64 }, (_, n) => `tag-${number(n)}-`.padEnd(256, 't'))
const principal = (n: number) => `0199a7e2-7a55-7c54-b6f4-${String(n).padStart(12, '0')}`
export const principals = Array.from({ length: 255 }, (_, n) => principal(n))
export const longKey = (n: number, prefix = 'long/') => `${prefix}${number(n)}/`.padEnd(1024, 'k')

export async function fill(stand: Stand, size: Sizes): Promise<Facts> {
  const [owner, readonly, auditor] = await Promise.all([
    newPerson(stand, 'USER', 'owner'),
    newPerson(stand, 'READONLY', 'readonly'),
    newPerson(stand, 'AUDITOR', 'auditor'),
  ])
  const visitor = { name: 'visitor', id: somebody, headers: {} }
  await fillBuckets(stand, owner)
  const ownIds = await fillRecords(stand, owner, size)
  const foreignIds = await fillForeign(stand, size)
  const key = 'many'
  const id = await fillOne(stand, owner, { key, ownIds, size })
  const { uploadId, etag } = await fillUploads(stand, owner, size)
  const shareToken = await fillOthers(stand, { owner, readonly, id }, size)
  await setPolicies(stand)
  const people = { owner, readonly, auditor, visitor }
  const places = { id, key, bucket: names.ours, publicBucket: names.open }
  return { ...people, ...places, foreignIds, ownIds, uploadId, etag, shareToken }
}

export async function newPerson(
  stand: Stand,
  role: string,
  name: string = randomUUID(),
): Promise<Person> {
  const username = `st-${name}`
  const user = { username, password, roles: [role], must_change_password: false }
  const { id } = await stand.must('POST', '/api/v2/users', user)
  const { access_token: token } = await stand.must('POST', '/api/v2/auth/login', {
    username,
    password,
  })
  const key = await stand.must('POST', '/api/v2/s3/keys', { name: username, user_id: id })
  const pair = { id: key.id, secret: key.secret }
  return { name, id, headers: { authorization: `Bearer ${token}` }, pair }
}

/** Parts between two stars that a policy may have. */
const BETWEEN_MAX = 256

/**
 * As much to be asked of each key as a policy of 20 KB can hold: none of it fits any key, and each
 * is looked for in all of it.
 */
export function longPolicy(bucket: string): string {
  const arn = (n: number) => `arn:aws:s3:::${bucket}/*${n}?z${n < BETWEEN_MAX ? '*' : ''}`
  const statement = (n: number) => ({
    Effect: n % 2 === 0 ? 'Deny' : 'Allow',
    Principal: '*',
    Action: 's3:*',
    Resource: [arn(3 * n), arn(3 * n + 1), arn(3 * n + 2)],
  })
  let statements = 200
  const text = () => {
    const all = Array.from({ length: statements }, (_, n) => statement(n))
    return JSON.stringify({ Version: '2012-10-17', Statement: all })
  }
  while (text().length > 20_000) statements -= 1
  return text()
}

async function fillBuckets(stand: Stand, owner: Person): Promise<void> {
  for (const name of Object.values(names)) {
    const isOwn = name === names.ours || name === names.spent
    const headers = isOwn ? owner.headers : { 'x-api-key': administratorKey }
    const settings = { name, versioning: 'enabled', public_read: name === names.open }
    await stand.mustAs(headers, ['POST', '/api/v2/buckets', settings])
  }
}

/** At the end: each put before is asked of them, too. */
async function setPolicies(stand: Stand): Promise<void> {
  const { id, secret } = await stand.must('POST', '/api/v2/s3/keys', {
    ...{ name: 'st-policies', user_id: null, permissions: ['*'] },
  })
  for (const name of Object.values(names)) {
    const plain = { method: 'PUT', path: `/${name}`, query: { policy: '' }, body: longPolicy(name) }
    await stand.mustS3(plain, { id, secret })
  }
}

async function put(stand: Stand, bucket: string, key: string, ownerId: string): Promise<string> {
  const query = new URLSearchParams({ owner_id: ownerId, service, name: 'n'.repeat(1000) })
  const path = `/api/v2/buckets/${bucket}/assets/${encodeURIComponent(key)}?${query}`
  return (await stand.must('PUT', path, Buffer.from(key))).id
}

/** Records and keys of the largest size, in a bucket that is open to everybody. */
async function fillRecords(stand: Stand, owner: Person, { records }: Sizes): Promise<string[]> {
  const ids: string[] = []
  await each(records, async n => {
    const id = await put(stand, names.open, longKey(n), owner.id)
    await stand.must('PUT', `/api/v2/assets/${id}`, { metadata, tags })
    ids[n] = id
  })
  await each(records / 4, async n => {
    const id = await put(stand, names.ours, longKey(n), owner.id)
    const acl = { read: [owner.id, ...principals], write: [owner.id, ...principals] }
    await stand.must('PUT', `/api/v2/assets/${id}`, { metadata, tags, acl })
  })
  return ids
}

async function fillForeign(stand: Stand, { foreign }: Sizes): Promise<string[]> {
  const ids: string[] = []
  await each(foreign, async n => {
    ids[n] = await put(stand, names.foreign, longKey(n), somebody)
  })
  return ids
}

/** One asset with a long past and many relations. */
async function fillOne(
  stand: Stand,
  owner: Person,
  { key, ownIds, size }: { readonly key: string; readonly ownIds: string[]; readonly size: Sizes },
): Promise<string> {
  const id = await put(stand, names.ours, key, owner.id)
  const acl = { read: [owner.id, ...principals], write: [owner.id, ...principals] }
  await stand.must('PUT', `/api/v2/assets/${id}`, { metadata, tags, acl })
  for (let n = 0; n < size.versions; n += 1) {
    await stand.must('PUT', `/api/v2/assets/${id}/content`, Buffer.from(`version ${n}`))
  }
  await each(size.others, async n => {
    const link = { type: `type-${n}`, asset_id: ownIds[n % ownIds.length] }
    await stand.must('POST', `/api/v2/assets/${id}/links`, link)
  })
  return id
}

async function fillUploads(stand: Stand, owner: Person, { parts, others }: Sizes) {
  const { pair } = owner
  if (pair === undefined) throw new Error('no key of S3')
  const begin = async (key: string) => {
    const plain = { method: 'POST', path: `/${names.ours}/${key}`, query: { uploads: '' } }
    const { text } = await stand.mustS3(plain, pair)
    return /<UploadId>([^<]+)</.exec(text)?.[1] ?? ''
  }
  const uploadId = await begin('parts')
  let etag = ''
  await each(parts, async n => {
    const query = { uploadId, partNumber: String(n + 1) }
    const plain = { method: 'PUT', path: `/${names.ours}/parts`, query, body: 'part' }
    etag = (await stand.mustS3(plain, pair)).headers.etag ?? ''
  })
  await each(others, async n => await begin(longKey(n, 'upload/')))
  return { uploadId, etag }
}

/** Shares, keys, grants, groups, quotas, buckets, users and sessions. */
async function fillOthers(
  stand: Stand,
  about: { readonly owner: Person; readonly readonly: Person; readonly id: string },
  { others }: Sizes,
): Promise<string> {
  const { owner, readonly, id } = about
  const grant = { bucket: names.foreign, permissions: ['assets:read', 'metadata:read'] }
  await each(others, async n => {
    await stand.mustAs(owner.headers, ['POST', '/api/v2/shares', { asset_id: id, note: 'n' }])
    await stand.mustAs(owner.headers, ['POST', '/api/v2/s3/keys', { name: 'k'.repeat(255) }])
    const holder = { principal_id: readonly.id, prefix: longKey(n, 'granted/').slice(0, 200) }
    await stand.must('POST', '/api/v2/grants', { ...grant, ...holder })
    const members = [readonly.id, owner.id]
    await stand.must('POST', '/api/v2/groups', { name: `st-group-${n}`, members })
    await stand.must('PUT', `/api/v2/quotas/service/st-${n}`, { assets_max: 1000 })
    await stand.must('POST', '/api/v2/buckets', { name: `st-bucket-${n}` })
    await stand.must('POST', '/api/v2/keys', { name: `st-${n}`, permissions: ['assets:read'] })
  })
  const login = { username: 'st-owner', password }
  for (let n = 0; n < others / 10; n += 1) await stand.must('POST', '/api/v2/auth/login', login)
  const part = { bucket: names.open, prefix: '' }
  const { url } = await stand.mustAs(owner.headers, ['POST', '/api/v2/shares', part])
  return new URL(url).pathname.split('/').at(-1) ?? ''
}
