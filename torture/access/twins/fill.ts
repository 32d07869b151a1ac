import { s3Key } from '../open-lab.ts'
import { somebody } from '../rest/worlds.ts'
import { type Plain, sign } from '../s3/sign.ts'
import type { Answer } from '../wire.ts'
import type { Asker, Put, Thing, Twin } from './twin.ts'

/** Who asks about things that are closed to all, and who also about those that are of others. */
export const audiences = {
  others: ['user', 'readonly', 'grantee', 'owner', 'confined', 'writer', 'account', 'anonymous'],
  closed: ['operator', 'auditor', 'reader'],
} as const
export type Audience = keyof typeof audiences

const readAll = ['assets:read', 'versions:read', 'metadata:read', 'buckets:read']
const arn = (place: string) => `arn:aws:s3:::${place}`
const kept = ['s3:GetObjectTagging', 's3:GetObjectVersionTagging', 's3:GetObjectRetention']
const denied = [...kept, 's3:GetObjectLegalHold', 's3:GetObjectAcl', 's3:GetObjectVersionAcl']

/** Everybody, and the places that both stores have. */
export async function fill(twin: Twin): Promise<void> {
  for (const name of ['tw-common', 'tw-policy', 'tw-confined']) {
    await twin.must('POST', '/api/v2/buckets', { name, versioning: 'enabled' })
  }
  await twin.must('POST', '/api/v2/buckets', { name: 'tw-public', public_read: true })
  await s3(twin, { method: 'PUT', path: '/tw-locked', headers: lockable })
  const owner = await twin.user('owner', ['USER'])
  const host = await twin.user('host', ['USER'])
  await own(twin, 'tw-hidden', host.headers)
  await twin.user('user', ['USER'])
  await twin.user('readonly', ['READONLY'])
  const grantee = await twin.user('grantee', ['USER'])
  await twin.user('operator', ['OPERATOR'])
  await twin.user('auditor', ['AUDITOR'])
  const permissions = ['assets:*', 'versions:*', 'metadata:*']
  const grant = { principal_id: grantee.id, bucket: 'tw-common', prefix: 'granted/', permissions }
  await twin.must('POST', '/api/v2/grants', grant)
  await twin.key('confined', { permissions: ['*'], buckets: ['tw-confined'] })
  await twin.key('writer', { permissions: ['assets:write'], buckets: ['tw-common'] })
  await twin.key('reader', { permissions: readAll })
  await twin.account('account', { permissions: ['*'], buckets: ['tw-confined'] })
  twin.anonymous()
  await own(twin, 'tw-owned', owner.headers)
  const { id } = await twin.must('GET', '/api/v2/auth/me')
  const { items } = await twin.must('GET', '/api/v2/s3/keys')
  const administrators = [
    ...[id, ...items.filter((one: { id: string }) => one.id === s3Key.id).map(idOf)],
  ]
  const deny = (actions: string | string[], resource: string) => ({
    ...{ Effect: 'Deny', NotPrincipal: { AWS: administrators }, Action: actions },
    Resource: arn(resource),
  })
  await setPolicy(twin, 'tw-policy', [
    deny('s3:*', 'tw-policy/secret/*'),
    deny(denied, 'tw-policy/*'),
  ])
  await setPolicy(twin, 'tw-locked', [deny(denied, 'tw-locked/*')])
  await hide(twin, host)
}

const idOf = (key: { principal_id: string }) => key.principal_id
const lockable = { 'x-amz-bucket-object-lock-enabled': 'true' }

async function setPolicy(twin: Twin, bucket: string, statements: unknown[]): Promise<void> {
  const body = JSON.stringify({ Version: '2012-10-17', Statement: statements })
  await s3(twin, { method: 'PUT', path: `/${bucket}`, query: { policy: '' }, body })
}

async function own(twin: Twin, name: string, headers: Readonly<Record<string, string>>) {
  const answer = await twin.lab.rest.ask({
    method: 'POST',
    path: '/api/v2/buckets',
    headers: { ...headers, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ name })),
  })
  if (answer.status !== 201) throw new Error(`no bucket: ${answer.text}`)
}

/** What only one of the two stores has, and nobody who asks may know of. */
async function hide(twin: Twin, host: Asker): Promise<void> {
  const { closed, others } = twin.layers
  if (closed) {
    const user = await twin.user('hidden', ['USER'])
    const group = { name: 'tw-hidden-group', members: [user.id] }
    const { id } = await twin.must('POST', '/api/v2/groups', group)
    const grant = { principal_id: id, bucket: 'tw-common', permissions: ['assets:read'] }
    await twin.must('POST', '/api/v2/grants', grant)
    await twin.must('POST', '/api/v2/keys', { name: 'tw-hidden', permissions: ['assets:read'] })
    await twin.must('POST', '/api/v2/service-accounts', { name: 'tw-hidden' })
    for (const bucket of ['tw-common', 'tw-owned']) {
      const thing = await twin.put({ bucket, key: 'closed/kept', ownerId: user.id, ...secrets })
      await close(twin, thing)
      const share = { asset_id: thing.id, note: 'hidden' }
      await twin.must('POST', '/api/v2/shares', share)
    }
  }
  if (!others) return
  await own(twin, 'tw-unknown', host.headers)
  await twin.must('PUT', '/api/v2/quotas/bucket/tw-hidden', { bytes_max: 1_000_000 })
  await twin.must('PUT', `/api/v2/quotas/owner/${somebody}`, { bytes_max: 9_000_000 })
  for (const bucket of ['tw-common', 'tw-public', 'tw-hidden', 'tw-policy']) {
    const gone = await twin.put({ bucket, key: 'gone/kept', ownerId: somebody, ...secrets })
    await twin.must('DELETE', `/api/v2/assets/${gone.id}`)
    if (bucket === 'tw-public') continue
    const key = bucket === 'tw-policy' ? 'secret/kept' : 'foreign/kept'
    await twin.put({ bucket, key, ownerId: somebody, ...secrets })
    if (bucket === 'tw-policy') continue
    await s3(twin, { method: 'POST', path: `/${bucket}/${key}`, query: { uploads: '' } })
  }
}

const secrets = { tags: ['hidden'], metadata: { hidden: 'word' } }

/** For administrators and its owner alone. */
export async function close(twin: Twin, { id }: Thing): Promise<void> {
  await twin.must('PUT', `/api/v2/assets/${id}`, { acl: { read: [], write: [] } })
}

/**
 * One with a past: under keys that nobody may read, with links to and copies of what nobody sees.
 * What there was differs between the stores, what is there does not.
 */
export async function putStoried(twin: Twin, put: Put): Promise<Thing> {
  const side = twin.layers.closed ? 'right' : 'left'
  const hidden = { bucket: 'tw-policy', ownerId: somebody }
  const was = `secret/${side}/${put.bucket}/${put.key}`
  const source = await twin.put({ ...hidden, key: `${was}/source`, content: put.key })
  await close(twin, source)
  const start = { bucket: 'tw-policy', key: was, owner_id: put.ownerId, service: 'tw-service' }
  const { id } = await twin.must('POST', `/api/v2/assets/${source.id}/copy`, start)
  twin.name(id, `asset ${put.key}`)
  const { tags = [], metadata = {} } = put
  const name = put.key.replaceAll('/', '-')
  await twin.must('POST', `/api/v2/assets/${id}/move`, { bucket: put.bucket, key: put.key, name })
  await twin.must('PUT', `/api/v2/assets/${id}`, { tags, metadata, acl: null })
  await twin.must('PUT', `/api/v2/assets/${id}/content`, Buffer.from(`second ${put.key}`))
  const copy = { bucket: 'tw-policy', key: `${was}/copy`, owner_id: somebody }
  const other = await twin.must('POST', `/api/v2/assets/${id}/copy`, copy)
  twin.name(other.id, `${side} copy`)
  const link = { type: 'kin', asset_id: source.id }
  await twin.must('POST', `/api/v2/assets/${id}/links`, link)
  const { bucket, key, ownerId } = put
  return { bucket, key, id, ownerId, service: 'tw-service' }
}

/** As administrator, at the door of S3. */
export async function s3(twin: Twin, plain: Plain): Promise<Answer> {
  const { lab } = twin
  const signing = { pair: s3Key, mode: 'header', host: lab.s3.host, nowMs: lab.now() } as const
  const answer = await lab.s3.ask(sign(plain, signing))
  if (answer.status < 300) return answer
  throw new Error(`${plain.method} ${plain.path}: ${answer.status} ${answer.text}`)
}
