import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

let s3: S3TestServer
const until = new Date(Date.now() + 3_600_000).toISOString()
/** Stands in the tags alone. */
const canary = 'kanarienvogel'

before(async () => {
  s3 = await startS3()
  const headers = { 'x-amz-bucket-object-lock-enabled': 'true' }
  assert.equal((await s3.send('PUT /tagged', { headers })).status, 200)
  const put = await s3.send('PUT /tagged/k', {
    body: 'x',
    headers: {
      'x-amz-tagging': `class=${canary}`,
      'x-amz-object-lock-mode': 'GOVERNANCE',
      'x-amz-object-lock-retain-until-date': until,
      'x-amz-object-lock-legal-hold': 'ON',
    },
  })
  assert.equal(put.status, 200, put.text)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

async function deny(...actions: string[]): Promise<void> {
  const about = { Principal: '*', Resource: 'arn:aws:s3:::tagged/*' }
  const Statement = { Effect: 'Deny', ...about, Action: actions }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [Statement] })
  assert.equal((await s3.send('PUT /tagged?policy', { body })).status, 204)
}

const beside = [
  'x-amz-tagging-count',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-lock-legal-hold',
]

async function shown(line: string, auth: 'header' | 'query' = 'header'): Promise<string[]> {
  const { status, headers } = await s3.send(line, { auth })
  assert.equal(status, 200, line)
  return beside.filter(name => headers[name] !== undefined)
}

test('what may not be asked by itself is not told beside the content', async () => {
  await s3.send('DELETE /tagged?policy')
  for (const line of ['GET /tagged/k', 'HEAD /tagged/k']) {
    assert.deepEqual(await shown(line), beside, line)
    await deny('s3:GetObjectTagging')
    assert.deepEqual(await shown(line), beside.slice(1), line)
    await deny('s3:GetObjectRetention', 's3:GetObjectLegalHold')
    assert.deepEqual(await shown(line), beside.slice(0, 1), line)
    await s3.send('DELETE /tagged?policy')
  }
})

test('a copy takes no tags along that its maker may not read', async () => {
  await deny('s3:GetObjectTagging')
  const source = { 'x-amz-copy-source': 'tagged/k' }
  const copied = await s3.send('PUT /tagged/copy', { headers: source })
  assert.deepEqual(told(copied), [403, 'AccessDenied'])
  const headers = { ...source, 'x-amz-tagging-directive': 'REPLACE' }
  assert.equal((await s3.send('PUT /tagged/copy', { headers })).status, 200)
})

test('REST tells no tags that a policy keeps closed, and no search finds by them', async () => {
  const base = '/api/v2/buckets/tagged/assets'
  const searches = [`tags=${encodeURIComponent(`class=${canary}`)}`, `search=${canary}`]
  const ask = async () => {
    const lists = [`GET ${base}`, ...searches.map(one => `GET /api/v2/assets?bucket=tagged&${one}`)]
    const listed = await Promise.all(lists.map(async line => (await s3.server.ask(line)).json))
    const { id } = listed[0].items.find((item: { key: string }) => item.key === 'k')
    const one = await s3.server.ask(`GET /api/v2/assets/${id}`)
    const moved = await s3.server.ask(`PUT /api/v2/assets/${id}`, { json: { name: 'named' } })
    assert.deepEqual([one.status, moved.status], [200, 200])
    const text = JSON.stringify([listed, one.json, moved.json])
    return [text.includes(canary), ...listed.slice(1).map(page => page.total)]
  }
  await s3.send('DELETE /tagged?policy')
  assert.deepEqual(await ask(), [true, 1, 1])
  await deny('s3:GetObjectTagging')
  assert.deepEqual(await ask(), [false, 0, 0])
})

test('conditions ask about one version however its id is written', async () => {
  await using s3 = await startS3()
  assert.equal((await s3.send('PUT /spelt')).status, 200)
  await s3.send('PUT /spelt?versioning', {
    body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  })
  const put = async (tags: string) => {
    const headers = { 'x-amz-tagging': tags }
    const { headers: answer } = await s3.send('PUT /spelt/k', { body: 'x', headers })
    return String(answer['x-amz-version-id'])
  }
  const [open, closed] = [await put('open=yes'), await put('open=no')]
  const deny = { Effect: 'Deny', Principal: '*', Resource: 'arn:aws:s3:::spelt/*' }
  const of = (Action: string, Condition: object) => ({ ...deny, Action, Condition })
  const Statement = [
    of('s3:GetObjectVersion', { StringNotEquals: { 's3:ExistingObjectTag/open': 'yes' } }),
    of('s3:GetObjectVersionTagging', { StringEquals: { 's3:VersionId': closed } }),
  ]
  const set = await s3.send('PUT /spelt?policy', { body: JSON.stringify({ Statement }) })
  assert.equal(set.status, 204)
  const source = (id: string) => ({ 'x-amz-copy-source': `/spelt/k?versionId=${id}` })
  const asked = async (id: string) => [
    (await s3.send(`GET /spelt/k?versionId=${id}`)).status,
    (await s3.send(`GET /spelt/k?tagging&versionId=${id}`)).status,
    (await s3.send('PUT /spelt/copy', { headers: source(id) })).status,
  ]
  for (const spelt of [open, open.toUpperCase()]) {
    assert.deepEqual(await asked(spelt), [200, 200, 200], spelt)
  }
  for (const spelt of [closed, closed.toUpperCase()]) {
    assert.deepEqual(await asked(spelt), [403, 403, 403], spelt)
  }
})
