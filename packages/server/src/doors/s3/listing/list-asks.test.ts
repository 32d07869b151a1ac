import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /asked')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

/** As AWS answered it: argument and sentence, and the first of several mistakes. */
async function refused(query: string): Promise<[string | undefined, string | undefined]> {
  const answer = await s3.send(`GET /asked?${query}`)
  assert.deepEqual(told(answer), [400, 'InvalidArgument'], query)
  const { text } = answer
  return [/<ArgumentName>(.*?)</.exec(text)?.[1], /<Message>(.*?)</.exec(text)?.[1]]
}

const NO_INTEGER = 'Provided max-keys not an integer or within integer range'
const NEGATIVE = 'Argument maxKeys must be an integer between 0 and 2147483647'

test('a number of keys that is none is refused in the words of AWS', async () => {
  for (const list of ['', 'list-type=2&', 'versions&']) {
    for (const wrong of ['abc', '1.5', '2147483648', '-2147483649', '9'.repeat(30)]) {
      assert.deepEqual(await refused(`${list}max-keys=${wrong}`), ['max-keys', NO_INTEGER])
    }
    const negative = list === 'versions&' ? ['max-keys', 'max-keys cannot be negative'] : undefined
    const told = negative ?? ['maxKeys', NEGATIVE]
    assert.deepEqual(await refused(`${list}max-keys=-1`), told)
    assert.deepEqual(await refused(`${list}max-keys=-01`), told)
    for (const right of ['0', '-0', '05', '', '2147483647']) {
      assert.equal((await s3.send(`GET /asked?${list}max-keys=${right}`)).status, 200)
    }
  }
})

test('so is a number of parts or uploads', async () => {
  const created = await s3.send('POST /asked/key?uploads')
  const id = /<UploadId>(.*?)</.exec(created.text)?.[1]
  const asks = [
    ['max-parts', `/key?uploadId=${id}&`],
    ['part-number-marker', `/key?uploadId=${id}&`],
    ['max-uploads', '?uploads&'],
  ] as const
  for (const [name, path] of asks) {
    const message = async (value: string) =>
      /<Message>(.*?)</.exec((await s3.send(`GET /asked${path}${name}=${value}`)).text)?.[1]
    const noInteger = `Provided ${name} not an integer or within integer range`
    for (const wrong of ['abc', '2147483648']) assert.equal(await message(wrong), noInteger)
    assert.equal(await message('-1'), NEGATIVE.replace('maxKeys', name))
    assert.equal(await message('1'), undefined)
  }
})

test('of several mistakes in a list of versions the first is told', async () => {
  const vid = 'version-id-marker'
  const noKey = 'A version-id marker cannot be specified without a key marker.'
  const cases: [string, string | undefined, string][] = [
    [`${vid}=x&encoding-type=x&max-keys=abc`, 'max-keys', NO_INTEGER],
    [`${vid}=x&encoding-type=x`, vid, noKey],
    [`${vid}=`, vid, noKey],
    [`key-marker=&${vid}=null`, vid, noKey],
    [`key-marker=k&${vid}=&encoding-type=x`, vid, 'A version-id marker cannot be empty.'],
    ['encoding-type=x', 'encoding-type', 'Invalid Encoding Method specified in Request'],
  ]
  for (const [query, name, message] of cases) {
    assert.deepEqual(await refused(`versions&${query}`), [name, message], query)
  }
  const { status } = await s3.send(`GET /asked?versions&key-marker=k&${vid}=null`)
  assert.equal(status, 200)
})

test('parameters of the other version are refused, and every other type is the first', async () => {
  const only = 'only supported in REST.GET.BUCKET with list-type=2'
  const cases: [string, string, string][] = [
    ['start-after=', 'start-after', `startAfter ${only}`],
    ['list-type=1&start-after=a', 'start-after', `startAfter ${only}`],
    ['start-after=a&continuation-token=b', 'continuation-token', `continuation-token ${only}`],
    ['list-type=2&marker=', 'marker', 'Marker unsupported with REST.GET.BUCKET in list-type=2'],
  ]
  for (const [query, name, message] of cases) {
    assert.deepEqual(await refused(query), [name, message], query)
  }
  const keyed = await refused('list-type=2&continuation-token=garbage')
  assert.deepEqual(keyed, ['continuation-token', 'The continuation token provided is incorrect'])
  for (const type of ['1', '0', '', 'word']) {
    assert.match((await s3.send(`GET /asked?list-type=${type}`)).text, /<Marker>/, type)
  }
})

test('an encoding is told as it was asked for, and a start beside a token not at all', async () => {
  for (const list of ['', 'list-type=2&', 'versions&', 'uploads&']) {
    const { text } = await s3.send(`GET /asked?${list}encoding-type=URL`)
    assert.match(text, /<EncodingType>URL</, list)
  }
  for (const key of ['a', 'b', 'c']) await s3.send(`PUT /asked/${key}`)
  const list = 'GET /asked?list-type=2&max-keys=1&start-after=a'
  const first = await s3.send(list)
  assert.match(first.text, /<StartAfter>a<.*<Key>b</)
  const token = /<NextContinuationToken>(.*?)</.exec(first.text)?.[1]
  const second = await s3.send(`${list}&continuation-token=${token}`)
  assert.match(second.text, /<Key>c</)
  assert.doesNotMatch(second.text, /<StartAfter>/)
})

test('a marker is of an upload of its key', async () => {
  const begun = await s3.send('POST /asked/marked?uploads')
  const id = /<UploadId>(.*?)</.exec(begun.text)?.[1] ?? ''
  const list = (key: string, marker: string) =>
    `uploads&key-marker=${key}&upload-id-marker=${marker}`
  const wrong = ['upload-id-marker', 'Invalid uploadId marker']
  assert.deepEqual(await refused(list('marked', 'xyz')), wrong)
  assert.deepEqual(await refused(list('other', id)), wrong)
  assert.equal((await s3.send(`GET /asked?${list('marked', id)}`)).status, 200)
  await s3.send(`DELETE /asked/marked?uploadId=${id}`)
  assert.equal((await s3.send(`GET /asked?${list('marked', id)}`)).status, 200)
})

test('of a bucket that is not there only a number that is none is told before', async () => {
  const keys = ['', 'list-type=2&', 'versions&'].flatMap(list => {
    return [`${list}encoding-type=x`, `${list}max-keys=-1`]
  })
  const uploads = ['uploads&encoding-type=x', 'uploads&max-uploads=-1']
  for (const ask of [...keys, ...uploads, 'list-type=2&continuation-token=garbage']) {
    assert.deepEqual(told(await s3.send(`GET /nowhere?${ask}`)), [404, 'NoSuchBucket'], ask)
    assert.deepEqual(told(await s3.send(`GET /asked?${ask}`)), [400, 'InvalidArgument'], ask)
  }
  for (const ask of ['max-keys=abc', 'versions&max-keys=abc', 'uploads&max-uploads=abc']) {
    assert.deepEqual(told(await s3.send(`GET /nowhere?${ask}`)), [400, 'InvalidArgument'], ask)
  }
})

test('to look at a bucket as a list would is to look at it', async () => {
  for (const query of ['list-type=2', 'list-type=2&prefix=&max-keys=1', 'prefix=']) {
    assert.equal((await s3.send(`HEAD /asked?${query}`)).status, 200, query)
    assert.equal((await s3.send(`HEAD /nowhere?${query}`)).status, 404, query)
  }
  assert.equal((await s3.send('HEAD /asked?list-type=2&versions')).status, 405)
})

test('who removes each page of versions before asking for the next removes all', async () => {
  await s3.send('PUT /emptied')
  const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  await s3.send('PUT /emptied?versioning', { body: on })
  const kept: string[] = []
  for (const key of ['a', 'b', 'b', 'b', 'b', 'b', 'c']) {
    const put = await s3.send(`PUT /emptied/${key}`, { body: 'x' })
    kept.unshift(`${key} ${put.headers['x-amz-version-id']}`)
    await delay(2)
  }
  const removed: string[] = []
  let markers = ''
  for (let page = 0; page < 9; page += 1) {
    const { text } = await s3.send(`GET /emptied?versions&max-keys=2${markers}`)
    const found = text.matchAll(/<Version><Key>(.*?)<.*?<VersionId>(.*?)</g)
    for (const [, key, id] of found) {
      removed.push(`${key} ${id}`)
      assert.equal((await s3.send(`DELETE /emptied/${key}?versionId=${id}`)).status, 204)
    }
    const next = /<NextKeyMarker>(.*?)<.*?<NextVersionIdMarker>(.*?)</.exec(text)
    if (next === null) break
    markers = `&key-marker=${next[1]}&version-id-marker=${next[2]}`
  }
  assert.deepEqual(removed.toSorted(), kept.toSorted())
  assert.equal((await s3.send('DELETE /emptied')).status, 204)
})

test('a marker of a version that is gone leaves newer ones to the page before', async () => {
  await s3.send('PUT /narrowed')
  const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  await s3.send('PUT /narrowed?versioning', { body: on })
  const ids: string[] = []
  for (let number = 0; number < 4; number += 1) {
    const put = await s3.send('PUT /narrowed/a', { body: 'x' })
    ids.unshift(String(put.headers['x-amz-version-id']))
    await delay(2)
  }
  assert.equal((await s3.send(`DELETE /narrowed/a?versionId=${ids[1]}`)).status, 204)
  const list = `GET /narrowed?versions&key-marker=a&version-id-marker=${ids[1]}`
  const told = (await s3.send(list)).text.matchAll(/<VersionId>(.*?)</g)
  assert.deepEqual(
    [...told].map(([, id]) => id),
    ids.slice(2),
  )
})
