import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type S3TestServer, startS3 } from '../s3/started-s3.test.ts'

/** What was replaced is open through each door where it is through the other. */

let s3: S3TestServer
/** A token of somebody who has no part in the buckets. */
let stranger: string

before(async () => {
  s3 = await startS3()
  const login = { username: 'stranger', password: 'Correct-Horse-7-Battery' }
  const json = { ...login, roles: ['USER'], must_change_password: false }
  assert.equal((await s3.server.ask('POST /api/v2/users', { json })).status, 201)
  const session = await s3.server.ask('POST /api/v2/auth/login', { json: login, key: null })
  stranger = session.json.access_token
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

interface Place {
  readonly name: string
  readonly publicRead?: boolean
  /** Access list of the asset. */
  readonly named?: boolean
  /** Access list of the bucket. */
  readonly listed?: boolean
  /** What a policy allows to everybody. */
  readonly allowed?: string
}

interface Replaced {
  readonly id: string
  readonly base: string
  readonly oldId: string
}

async function replaced({ name, publicRead, named, listed, allowed }: Place): Promise<Replaced> {
  const ask = async (line: string, json: object) => {
    const answer = await s3.server.ask(line, { json })
    assert.ok(answer.status < 300, answer.text)
    return answer.json
  }
  const send = async (line: string, more: Parameters<S3TestServer['send']>[1] = {}) => {
    const answer = await s3.send(line, more)
    assert.ok(answer.status < 300, answer.text)
    return answer
  }
  await ask('POST /api/v2/buckets', { name, public_read: publicRead, versioning: 'enabled' })
  const first = await send(`PUT /${name}/k`, { body: 'old secret' })
  await send(`PUT /${name}/k`, { body: 'new' })
  const base = `/api/v2/buckets/${name}/assets/k`
  const { id } = (await s3.server.ask(`GET ${base}?info=true`)).json
  if (named) await ask(`PUT /api/v2/assets/${id}`, { acl: { read: ['anonymous'], write: [] } })
  if (listed) await send(`PUT /${name}?acl`, { headers: { 'x-amz-acl': 'public-read' } })
  if (allowed !== undefined) {
    const Resource = [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`]
    const statement = { Effect: 'Allow', Principal: '*', Action: allowed, Resource }
    const body = JSON.stringify({ Version: '2012-10-17', Statement: statement })
    await send(`PUT /${name}?policy`, { body })
  }
  return { id, base, oldId: String(first.headers['x-amz-version-id']) }
}

type Asked = readonly [line: string, options?: object]

/** All ways of REST to the first version, with the answers of each. */
async function readings({ id, base, oldId }: Replaced, key: string | null) {
  const asset = `/api/v2/assets/${id}`
  const ranged = { headers: { range: 'bytes=0-2' } }
  const lines: Asked[] = [
    [`GET ${base}?version=1`],
    [`HEAD ${base}?version=1`],
    [`GET ${base}?version=1`, ranged],
    [`GET ${asset}/download?version=1`],
    [`HEAD ${asset}/download?version=1`],
    [`GET ${asset}/download?version=1`, ranged],
  ]
  const own: Asked[] = [
    [`GET ${asset}/presigned-url?version=1`],
    ['POST /api/v2/shares', { json: { asset_id: id, version: 1 } }],
  ]
  // Those that go by the ids of versions take a right of one's own, and so does a rollback.
  const closed: Asked[] = [
    [`GET ${asset}/versions/${oldId}/download`],
    [`HEAD ${asset}/versions/1/download`],
    [`GET ${asset}/versions/1`],
    [`GET ${asset}/versions`],
    [`GET ${asset}/versions/history`],
    [`GET ${asset}/versions/compare?from=1&to=2`],
  ]
  const statuses = async (asked: readonly Asked[]) => {
    const found: [string, number][] = []
    for (const [line, options] of asked) {
      const { status, text } = await s3.server.ask(line, { key, ...options })
      if (status >= 400) assert.ok(!text.includes('secret'))
      found.push([line, status])
    }
    return found
  }
  const isSigned = key !== null
  return {
    reading: await statuses(isSigned ? [...lines, ...own] : lines),
    telling: await statuses(closed),
  }
}

const PLACES: readonly (Place & { readonly opens?: boolean })[] = [
  { name: 'only-public', publicRead: true },
  { name: 'public-listed', publicRead: true, listed: true },
  { name: 'public-listing', publicRead: true, allowed: 's3:ListBucketVersions' },
  { name: 'only-listed', listed: true },
  { name: 'named-listed', named: true, listed: true },
  { name: 'named', named: true },
  { name: 'public-reading', publicRead: true, allowed: 's3:GetObjectVersion', opens: true },
]

for (const place of PLACES) {
  const { name, opens = false } = place
  test(`in ${name} what was replaced is ${opens ? 'open' : 'closed'} at both doors`, async () => {
    const made = await replaced(place)
    const line = `GET /${name}/k?versionId=${made.oldId}`
    const through = await s3.send(line, { auth: 'none' })
    assert.equal(through.text === 'old secret', opens, through.text)
    for (const key of [null, stranger]) {
      const { reading, telling } = await readings(made, key)
      for (const [line, status] of reading) assert.equal(status < 300, opens, `${status} ${line}`)
      if (opens) continue
      for (const [line, status] of telling) assert.ok(status >= 400, `${status} ${line}`)
    }
    const principal = { principal_id: 'anonymous', asset_id: made.id, permission: 'versions:read' }
    const told = await s3.server.ask('POST /api/v2/access/explain', { json: principal })
    assert.equal(told.json.allowed, opens, told.text)
  })
}

test('who may put, but not read what was replaced, does not bring it back', async () => {
  const place = { name: 'rolled', publicRead: true, listed: true, allowed: 's3:PutObject' }
  const { id, base } = await replaced(place)
  const roll = `POST /api/v2/assets/${id}/versions/1/rollback`
  const rolled = await s3.server.ask(roll, { key: stranger })
  assert.ok(rolled.status >= 400, rolled.text)
  assert.equal((await s3.server.ask(`GET ${base}`, { key: null })).text, 'new')
})

test('a version that a policy denies by its id is denied at both doors', async () => {
  const { id, base, oldId } = await replaced({ name: 'denied' })
  const json = { name: 'reader', permissions: ['assets:*', 'versions:*', 'metadata:*'] }
  const { key } = (await s3.server.ask('POST /api/v2/keys', { json })).json
  const asset = `/api/v2/assets/${id}`
  const lines = [
    `GET ${base}?version=1`,
    `GET ${asset}/download?version=1`,
    `GET ${asset}/presigned-url?version=1`,
    `GET ${asset}/versions/1`,
    `GET ${asset}/versions/1/download`,
    `HEAD ${asset}/versions/${oldId}/download`,
    `GET ${asset}/versions/compare?from=1&to=2`,
    `GET ${asset}/versions/compare?from=2&to=1`,
    `POST ${asset}/versions/1/rollback`,
  ]
  const asked = async () => {
    const statuses: [string, boolean][] = []
    for (const line of lines) {
      statuses.push([line, (await s3.server.ask(line, { key })).status < 300])
    }
    return statuses
  }
  const all = (isOpen: boolean) => lines.map(line => [line, isOpen])
  assert.deepEqual(await asked(), all(true))
  const statement = {
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:GetObjectVersion',
    Resource: 'arn:aws:s3:::denied/*',
    Condition: { StringEquals: { 's3:VersionId': oldId } },
  }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: statement })
  assert.equal((await s3.send('PUT /denied?policy', { body })).status, 204)
  assert.deepEqual(await asked(), all(false))
  assert.equal((await s3.server.ask(`GET ${base}?version=2`, { key })).text, 'new')
})
